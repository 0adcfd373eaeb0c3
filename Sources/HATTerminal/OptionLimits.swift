import ArgumentParser

/// The numbers of an option that a command can compute with. Commands check all of theirs when they validate their arguments.
package struct OptionLimits<Number: Comparable & Sendable>: Sendable {
  private let range: ClosedRange<Number>

  package init(_ range: ClosedRange<Number>) { self.range = range }

  /// - Parameter number: nil for an option that was left out.
  /// - Throws: `ValidationError` with the range.
  package func check(_ option: String, _ number: Number?) throws {
    guard let number, !range.contains(number) else { return }
    throw ValidationError("\(option) must be from \(range.lowerBound) to \(range.upperBound), not \(number).")
  }

  package func check(_ option: String, each numbers: [Number]) throws {
    for number in numbers { try check(option, number) }
  }
}

extension OptionLimits<Int> {
  /// Tables of so many ranks fit into memory.
  package static var mostRanks: Int { 1 << 16 }
  /// Ranks, or nodes.
  package static var ranks: Self { Self(1...mostRanks) }
  /// More than any machine has; `ThreadChoice` knows how many there is room for here.
  package static var threads: Self { Self(1...mostRanks) }
  /// For counts such as steps or words: more than anybody has, and few enough to compute with.
  package static var count: Self { Self(1...1_000_000_000_000) }
}
