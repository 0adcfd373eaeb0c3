import HATStorage

extension Perturbation {
  /// The share of the characters that is touched where none is named (paper §4.4).
  private static let defaultProbability = 0.1

  /// What the person writes, and what is shown: `all-caps`, `permute:0.1`.
  public var name: String {
    switch self {
    case .allCaps: "all-caps"
    case .permute(let probability): "permute:\(probability)"
    case .replace(let probability): "replace:\(probability)"
    case .delete(let probability): "delete:\(probability)"
    }
  }

  /// Reads what `name` wrote; the probability may be left out. Nil for `none`.
  /// - Throws: `UserError` of kind `wrongUsage`.
  public static func parse(_ text: String) throws -> Perturbation? {
    if text == "none" { return nil }
    if text == "all-caps" { return .allCaps }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let probability = parts.count == 2 ? Double(parts[1]) : defaultProbability
    guard let probability, 0...1 ~= probability else { throw unknown(text) }
    switch parts[0] {
    case "permute": return .permute(probability)
    case "replace": return .replace(probability)
    case "delete": return .delete(probability)
    default: throw unknown(text)
    }
  }

  private static func unknown(_ text: String) -> UserError {
    UserError(
      .wrongUsage, at: "--perturb", "\"\(text)\" is not a perturbation this version has",
      hint: "Use none, all-caps, or permute:P, replace:P or delete:P with a probability from 0 to 1, "
        + "such as permute:0.1.")
  }
}
