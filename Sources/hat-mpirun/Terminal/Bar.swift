/// A bar of a picture made of letters.
enum Bar {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// A bar of that many letters, to an eighth of one; what is not nothing is seen.
  static func show(_ length: Double) -> String {
    let parts = length > 0 ? max(1, Int((length * 8).rounded())) : 0
    return String(repeating: "█", count: parts / 8) + eighths[parts % 8]
  }
}
