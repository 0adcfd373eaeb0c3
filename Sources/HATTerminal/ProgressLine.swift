/// How far some work has come, on standard error: on a terminal a line with bar, rate and time left, drawn over in
/// place; elsewhere a plain line every ten seconds.
package final class ProgressLine {
  /// What is counted.
  package enum Unit {
    case bytes
    case items(String)
  }

  private let title: String
  private let unit: Unit
  private let isInteractive = Terminal.isInteractive
  private let started = ContinuousClock.now
  private var lastShown = ContinuousClock.now
  private var firstCount: Int?

  package init(_ title: String, unit: Unit) {
    (self.title, self.unit) = (title, unit)
  }

  /// Shows the line when it is due.
  /// - Parameters:
  ///   - total: nil where it is not known.
  ///   - note: what else to show, such as a loss.
  package func update(_ count: Int, of total: Int?, note: String = "") {
    let now = ContinuousClock.now
    let first = firstCount ?? count
    firstCount = first
    guard now - lastShown >= (isInteractive ? .milliseconds(100) : .seconds(10)) else { return }
    lastShown = now
    let rate = Double(count - first) / max((now - started).seconds, 1e-9)
    let line = line(count, total, rate: rate, note: note)
    isInteractive ? Terminal.showProgress(line) : Terminal.note(line)
  }

  /// Makes room for other output. Messages by `Terminal.note` need no such call.
  package func clear() { Terminal.clearProgress() }

  private func line(_ count: Int, _ total: Int?, rate: Double, note: String) -> String {
    var parts = [title]
    if let total, total > 0 {
      let share = min(1, Double(count) / Double(total))
      if isInteractive { parts.append(bar(share)) }
      parts.append("\(Int(share * 100))%")
    }
    parts.append(amount(count) + (total.map { " of \(amount($0))" } ?? ""))
    parts.append(perSecond(rate))
    if let total, rate > 0, count < total {
      parts.append("\(Amount.duration(Double(total - count) / rate)) left")
    }
    if !note.isEmpty { parts.append(note) }
    return parts.joined(separator: "  ")
  }

  private func bar(_ share: Double) -> String {
    let width = 24
    let filled = Int(share * Double(width))
    return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled) + "]"
  }

  private func amount(_ count: Int) -> String {
    switch unit {
    case .bytes: Amount.bytes(count)
    case .items(let name): "\(Amount.grouped(count)) \(name)"
    }
  }

  private func perSecond(_ rate: Double) -> String {
    switch unit {
    case .bytes: "\(Amount.bytes(Int(rate)))/s"
    case .items: rate < 10 ? "\(Amount.fixed(rate, 2))/s" : "\(Amount.grouped(Int(rate)))/s"
    }
  }
}

extension Duration {
  package var seconds: Double { self / .seconds(1) }
}
