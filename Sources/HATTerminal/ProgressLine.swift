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
  ///   - notes: what else to show, such as a loss, the most important first.
  package func update(_ count: Int, of total: Int?, notes: [String] = []) {
    let now = ContinuousClock.now
    let first = firstCount ?? count
    firstCount = first
    guard now - lastShown >= (isInteractive ? .milliseconds(100) : .seconds(10)) else { return }
    lastShown = now
    let rate = Double(count - first) / max((now - started).seconds, 1e-9)
    let parts = parts(count, total, rate: rate, notes: notes)
    isInteractive
      ? Terminal.showProgress(Self.line(parts, width: Terminal.width))
      : Terminal.note(Self.line(parts.filter { $0.kind != .bar }))
  }

  /// Makes room for other output. Messages by `Terminal.note` need no such call.
  package func clear() { Terminal.clearProgress() }

  private func parts(_ count: Int, _ total: Int?, rate: Double, notes: [String]) -> [Part] {
    var parts = [Part(.title, title)]
    if let total, total > 0 {
      let share = min(1, Double(count) / Double(total))
      parts += [Part(.bar, bar(share)), Part(.share, "\(Int(share * 100))%")]
    }
    parts.append(Part(.amount, amount(count, of: total)))
    parts.append(Part(.rate, perSecond(rate)))
    if let total, rate > 0, count < total {
      parts.append(Part(.timeLeft, "\(Amount.duration(Double(total - count) / rate)) left"))
    }
    return parts + notes.map { Part(.note, $0) }
  }

  private func bar(_ share: Double) -> String {
    let width = 24
    let filled = Int(share * Double(width))
    return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled) + "]"
  }

  private func amount(_ count: Int, of total: Int?) -> String {
    let (number, name): ((Int) -> String, String) =
      switch unit {
      case .bytes: (Amount.bytes, "")
      case .items(let name): (Amount.grouped, " \(name)")
      }
    return number(count) + (total.map { " of \(number($0))" } ?? "") + name
  }

  private func perSecond(_ rate: Double) -> String {
    switch unit {
    case .bytes: "\(Amount.bytes(Int(rate)))/s"
    case .items: rate < 10 ? "\(Amount.fixed(rate, 2))/s" : "\(Amount.grouped(Int(rate)))/s"
    }
  }
}

extension ProgressLine {
  /// What a line consists of.
  struct Part: Equatable {
    /// The first are the first to go where there is no room.
    enum Kind: Int { case bar, note, rate, amount, timeLeft, share, title }

    let kind: Kind
    let text: String

    init(_ kind: Kind, _ text: String) { (self.kind, self.text) = (kind, text) }
  }

  /// - Parameter width: most characters. A line as wide as the terminal would leave a copy of itself when it is drawn over.
  static func line(_ parts: [Part], width: Int = .max) -> String {
    var parts = parts
    while true {
      let line = parts.map(\.text).joined(separator: "  ")
      if line.count < width { return line }
      // Of several notes the last goes first.
      guard let least = parts.map(\.kind.rawValue).min(), parts.count > 1,
        let index = parts.lastIndex(where: { $0.kind.rawValue == least })
      else { return String(line.prefix(max(0, width - 1))) }
      parts.remove(at: index)
    }
  }
}

extension Duration {
  package var seconds: Double { self / .seconds(1) }
}
