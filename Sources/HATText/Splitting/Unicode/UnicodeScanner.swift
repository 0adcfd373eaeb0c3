/// Runs the automaton of the rule `unicode` over a text, and gives the lengths of its words, a block at a time.
struct UnicodeScanner {
  private static let block = 1024
  /// A block ends as many words at most as it has bytes, one in doubt from the block before, and the last one of the
  /// text; the place behind them is written to as well.
  static let mostWords = block + 3

  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0
  /// The start of the word being built.
  private var start = 0
  /// Where it may have ended.
  private var mark = 0
  private var row = 0

  init(_ text: UnsafeBufferPointer<UInt8>) {
    self.text = text
  }

  /// Writes the lengths of the words that end in the next block and returns how many there are; nil after the text.
  /// - Parameter words: [mostWords]
  mutating func next(into words: UnsafeMutableBufferPointer<UInt32>) -> Int? {
    guard position < text.count else { return nil }
    let automaton = UnicodeAutomaton.shared
    var count = scan(to: min(position + Self.block, text.count), automaton, into: words.baseAddress!)
    if position == text.count {
      if automaton.isInDoubt(row: row) {
        words[count] = UInt32(truncatingIfNeeded: mark - start)
        (count, start) = (count + 1, mark)
      }
      words[count] = UInt32(truncatingIfNeeded: position - start)
      count += 1
    }
    return count
  }

  /// Every scalar writes the length the word would have, and only whether it counts depends on the text: a branch
  /// at each word's end would be guessed wrongly too often.
  private mutating func scan(
    to end: Int, _ automaton: UnicodeAutomaton, into words: UnsafeMutablePointer<UInt32>
  ) -> Int {
    automaton.transitions.withUnsafeBufferPointer { transitions in
      ScalarClassTable.unicode.withUnsafeLookup { table in
        var (position, start, mark, row, count) = (position, start, mark, row, 0)
        while position < end {
          let (scalarClass, size) = table.scalar(at: text.baseAddress! + position)
          let transition = transitions.baseAddress![row | scalarClass]
          row = UnicodeAutomaton.row(after: transition)
          let decision = UnicodeWordState.Decision(rawValue: transition)
          if !decision.isDisjoint(with: [.cutAtMark, .mark]) {
            if decision.contains(.cutAtMark) {
              words[count] = UInt32(truncatingIfNeeded: mark - start)
              (count, start) = (count + 1, mark)
            }
            if decision.contains(.mark) { mark = position }
          }
          let isCut = Int(transition & UnicodeWordState.Decision.cut.rawValue)
          words[count] = UInt32(truncatingIfNeeded: position - start)
          count &+= isCut
          start &+= (position &- start) & (0 &- isCut)
          position &+= size
        }
        (self.position, self.start, self.mark, self.row) = (position, start, mark, row)
        return count
      }
    }
  }
}
