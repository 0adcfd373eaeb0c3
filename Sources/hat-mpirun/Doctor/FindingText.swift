import HATDistributed
import HATTerminal

/// Findings as people read them.
enum FindingText {
  private static let checkWidth = 9
  private static let verdictWidth = 5
  private static let indent = String(repeating: " ", count: 2 + checkWidth + 2 + verdictWidth + 2)
  private static let lineWidth = 80

  /// The rows of a finding in a table that grows row by row, in lines of eighty characters.
  static func rows(_ finding: Finding) -> String {
    let start =
      "  " + padded(finding.check, checkWidth) + "  " + padded(word(finding.verdict), verdictWidth) + "  "
    let width = lineWidth - indent.count
    let measured = TextTable.wrapped(finding.measured, width: width)
    let advice =
      finding.advice.map { TextTable.wrapped($0, width: width - 2) } ?? []
    return
      ([start + measured[0]] + measured.dropFirst().map { indent + $0 }
      + advice.enumerated().map { indent + ($0.offset == 0 ? "→ " : "  ") + $0.element })
      .joined(separator: "\n")
  }

  /// Says of the settings that libraries name what the command line calls them.
  static func withOptions(_ finding: Finding) -> Finding {
    var finding = finding
    finding.measured = OptionNames.put(into: finding.measured)
    finding.advice = finding.advice.map(OptionNames.put(into:))
    return finding
  }

  /// For the messages of another command.
  static func line(_ finding: Finding) -> String {
    let advice = finding.advice.map { ". \($0)" } ?? ""
    let kind = finding.verdict == .wrong ? "warning" : "note"
    return OptionNames.put(into: "\(kind): \(finding.check): \(finding.measured)\(advice)")
  }

  private static func word(_ verdict: Verdict) -> String {
    switch verdict {
    case .fine: "fine"
    case .worthKnowing: "note"
    case .wrong: "WRONG"
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
