/// How many words have which length, in rows few enough for a terminal.
public struct WordLengthHistogram: Sendable {
  public struct Row: Sendable, Equatable {
    /// In bytes.
    public var lengths: ClosedRange<Int>
    public var words: Int
    /// Of all words: those of these lengths.
    public var share: Double
  }

  public private(set) var rows: [Row] = []

  /// Lengths up to this one have a row of their own.
  static let longestSingle = 16

  /// - Parameter counts: how many words have each length, from 0 bytes on.
  public init(_ counts: [Int]) {
    let total = Double(max(1, counts.reduce(0, +)))
    for lengths in Self.ranges(upTo: counts.lastIndex { $0 > 0 } ?? 0) {
      let words = counts[lengths.clamped(to: 0...counts.count - 1)].reduce(0, +)
      rows.append(Row(lengths: lengths, words: words, share: Double(words) / total))
    }
  }

  /// 1, 2, … 16, then half an octave each: 17–24, 25–32, 33–48, 49–64, and so on.
  private static func ranges(upTo longest: Int) -> [ClosedRange<Int>] {
    var ranges = (1...longestSingle).prefix { $0 <= longest }.map { $0...$0 }
    var (end, step) = (longestSingle, longestSingle / 2)
    while end < longest {
      for _ in 0..<2 where end < longest {
        ranges.append(end + 1...end + step)
        end += step
      }
      step *= 2
    }
    return ranges
  }
}
