import Foundation

/// How long work gets on, on standard error: a bar with rate and time left that is drawn over on a terminal, a plain
/// line every ten seconds elsewhere.
final class ProgressLine {
  /// What is counted.
  enum Unit {
    case bytes
    case items(String)
  }

  private let title: String
  private let unit: Unit
  private let isTerminal: Bool
  private let started = ContinuousClock.now
  private var lastShown = ContinuousClock.now
  private var firstCount: Int?
  private var needsClearing = false

  init(_ title: String, unit: Unit, isTerminal: Bool = ProgressLine.isAtTerminal) {
    self.title = title
    self.unit = unit
    self.isTerminal = isTerminal
  }

  /// Shows the line when it is time to.
  /// - Parameters:
  ///   - total: nil where it is not known.
  ///   - note: what else to show, such as a loss.
  func update(_ count: Int, of total: Int?, note: String = "") {
    let now = ContinuousClock.now
    let first = firstCount ?? count
    firstCount = first
    guard now - lastShown >= (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
    lastShown = now
    let rate = Double(count - first) / max((now - started).seconds, 1e-9)
    show(Self.line(title, unit, count, total, rate: rate, note: note, withBar: isTerminal))
  }

  /// Makes the terminal free for other output.
  func clear() {
    if needsClearing { write("\r\u{1B}[K") }
    needsClearing = false
  }

  private func show(_ line: String) {
    if isTerminal {
      write("\r\(line)\u{1B}[K")
      needsClearing = true
    } else {
      write(line + "\n")
    }
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}

extension ProgressLine {
  private static let variable = "HAT_PROGRESS"

  /// Ranks write to a pipe of `mpirun`: whoever starts them knows whether a terminal is at its end.
  static var isAtTerminal: Bool {
    isatty(STDERR_FILENO) == 1 || ProcessInfo.processInfo.environment[variable] == "terminal"
  }

  /// What tells the ranks.
  static var environment: [(name: String, value: String)] {
    isAtTerminal ? [(variable, "terminal")] : []
  }
}

extension ProgressLine {
  static func line(
    _ title: String, _ unit: Unit, _ count: Int, _ total: Int?, rate: Double, note: String, withBar: Bool
  ) -> String {
    var parts = [title]
    if let total, total > 0 {
      let share = min(1, Double(count) / Double(total))
      if withBar { parts.append(bar(share)) }
      parts.append("\(Int(share * 100))%")
    }
    parts.append(amount(count, unit) + (total.map { " of \(amount($0, unit))" } ?? ""))
    parts.append(perSecond(rate, unit))
    if let total, rate > 0, count < total {
      parts.append("\(duration(Double(total - count) / rate)) left")
    }
    if !note.isEmpty { parts.append(note) }
    return parts.joined(separator: "  ")
  }

  private static func bar(_ share: Double) -> String {
    let width = 24
    let filled = Int(share * Double(width))
    return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled) + "]"
  }

  private static func amount(_ count: Int, _ unit: Unit) -> String {
    switch unit {
    case .bytes: Amount.bytes(count)
    case .items(let name): "\(Amount.grouped(count)) \(name)"
    }
  }

  private static func perSecond(_ rate: Double, _ unit: Unit) -> String {
    switch unit {
    case .bytes: "\(Amount.bytes(Int(rate)))/s"
    case .items: rate < 10 ? "\(Amount.fixed(rate, 2))/s" : "\(Amount.grouped(Int(rate)))/s"
    }
  }

  private static func duration(_ seconds: Double) -> String {
    let seconds = Int(min(seconds, 1e9))
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds / 60 % 60) min"
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
