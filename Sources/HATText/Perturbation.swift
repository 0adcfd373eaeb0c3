import HATRandom
import HATStorage

/// A way to spoil a text that people still read without effort (paper §4.4 and B.5; the exact draws are ours).
///
/// A word is a run of scalars that are not white space, whatever rule the model splits by; a character is an extended
/// grapheme cluster. White space stays as it is, and valid UTF-8 stays valid.
public enum Perturbation: Sendable, Hashable {
  /// Unicode's full upper case, of no language in particular: `ß` becomes `SS`.
  case allCaps
  /// Each character, with this probability, changes places with another one of its word, drawn evenly.
  case permute(Double)
  /// Each character, with this probability, becomes another letter from a to z, drawn evenly.
  case replace(Double)
  /// Each character, with this probability, is left out. A word keeps at least its first.
  case delete(Double)

  /// The perturbed text: a function of text and seed alone.
  /// - Parameter text: valid UTF-8.
  public func applied(to text: [UInt8], seed: UInt64) -> [UInt8] {
    let string = String(decoding: text, as: UTF8.self)
    if self == .allCaps { return Array(string.uppercased().utf8) }
    var random = RandomSource(keys: seed, Checksum(of: text).value)
    var (result, word) = (String.UnicodeScalarView(), String.UnicodeScalarView())
    for scalar in string.unicodeScalars {
      if scalar.properties.isWhitespace {
        result.append(contentsOf: perturbed(word, &random))
        word.removeAll()
        result.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    result.append(contentsOf: perturbed(word, &random))
    return Array(String(result).utf8)
  }

  public func applied(to text: String, seed: UInt64) -> String {
    String(decoding: applied(to: Array(text.utf8), seed: seed), as: UTF8.self)
  }

  private func perturbed(
    _ word: String.UnicodeScalarView, _ random: inout RandomSource
  ) -> String.UnicodeScalarView {
    let characters = Array(String(word))
    let changed =
      switch self {
      case .allCaps: characters
      case .permute(let probability): permuted(characters, probability, &random)
      case .replace(let probability): replaced(characters, probability, &random)
      case .delete(let probability): thinned(characters, probability, &random)
      }
    return String(changed).unicodeScalars
  }

  private func permuted(
    _ word: [Character], _ probability: Double, _ random: inout RandomSource
  ) -> [Character] {
    guard word.count > 1 else { return word }
    var word = word
    for index in word.indices where random.nextUnit() < probability {
      let other = random.next(below: word.count - 1)
      word.swapAt(index, other < index ? other : other + 1)
    }
    return word
  }

  private static let letters = Array("abcdefghijklmnopqrstuvwxyz")

  private func replaced(
    _ word: [Character], _ probability: Double, _ random: inout RandomSource
  ) -> [Character] {
    word.map { character in
      guard random.nextUnit() < probability else { return character }
      let others = Self.letters.filter { $0 != character }
      return others[random.next(below: others.count)]
    }
  }

  private func thinned(
    _ word: [Character], _ probability: Double, _ random: inout RandomSource
  ) -> [Character] {
    let kept = word.filter { _ in random.nextUnit() >= probability }
    return kept.isEmpty ? Array(word.prefix(1)) : kept
  }
}

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
      .wrongUsage, at: "`perturbation`", "\"\(text)\" is not a perturbation this version has",
      hint: "Use none, all-caps, or permute:P, replace:P or delete:P with a probability from 0 to 1, "
        + "such as permute:0.1.")
  }
}
