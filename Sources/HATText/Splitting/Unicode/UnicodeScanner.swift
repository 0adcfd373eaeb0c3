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

/// The rule `unicode` as a table: every state that `UnicodeWordState` can reach, and for each class of scalars what
/// it decides and the state that follows.
struct UnicodeAutomaton: Sendable {
  static let shared = UnicodeAutomaton()

  /// A row has a place for each class, so that a row's offset leaves its low bits to the class.
  private static let rowSize = 32

  /// [states, 32], of the offset of the next state's row, and in its free low bits the `Decision`. The first row is
  /// the start of a text.
  let transitions: [UInt16]
  /// For each state, whether the end of the text cuts at the mark.
  private let isInDoubt: [Bool]

  private init() {
    var states = [UnicodeWordState()]
    var rows = [states[0]: 0 as UInt16]
    var transitions: [UInt16] = []
    var reached = 0
    while reached < states.count {
      for scalarClass in ScalarClass.all {
        var state = states[reached]
        let decision = state.take(scalarClass)
        if rows[state] == nil {
          rows[state] = UInt16(states.count * Self.rowSize)
          states.append(state)
        }
        transitions.append(rows[state]! | decision.rawValue)
      }
      transitions += repeatElement(0, count: Self.rowSize - ScalarClass.all.count)
      reached += 1
    }
    self.transitions = transitions
    isInDoubt = states.map(\.isInDoubt)
  }

  @inline(__always)
  static func row(after transition: UInt16) -> Int { Int(transition) & ~(rowSize - 1) }

  func isInDoubt(row: Int) -> Bool { isInDoubt[row / Self.rowSize] }

  var stateCount: Int { isInDoubt.count }

  func isInDoubt(state: Int) -> Bool { isInDoubt[state] }

  /// What a state decides at a scalar of a class, and the state that follows.
  func transition(from state: Int, class scalarClass: Int) -> (
    state: Int, decision: UnicodeWordState.Decision
  ) {
    let transition = transitions[state * Self.rowSize + scalarClass]
    return (
      Self.row(after: transition) / Self.rowSize,
      UnicodeWordState.Decision(rawValue: transition % UInt16(Self.rowSize))
    )
  }
}

extension WordSplitter {
  func splitAtUnicodeBoundaries(_ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    // English has a word every 5 to 6 bytes, other languages every 3 to 10.
    lengths.reserveCapacity(text.count / 5)
    var scanner = UnicodeScanner(text)
    var start = 0
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: UnicodeScanner.mostWords) { words in
      while let count = scanner.next(into: words) {
        append(UnsafeBufferPointer(rebasing: words[..<count]), of: text, from: &start, to: &lengths)
      }
    }
  }

  /// Appends words that begin at `start` and moves it behind them.
  private func append(
    _ words: UnsafeBufferPointer<UInt32>, of text: UnsafeBufferPointer<UInt8>, from start: inout Int,
    to lengths: inout [UInt32]
  ) {
    var (longest, total) = (0 as UInt32, 0)
    for length in words {
      longest = max(longest, length)
      total += Int(length)
    }
    if Int(longest) <= maximumWordBytes {
      lengths.append(contentsOf: words)
      start += total
      return
    }
    for length in words {
      let end = start + Int(length)
      emit(start..<end, of: text, into: &lengths)
      start = end
    }
  }
}
