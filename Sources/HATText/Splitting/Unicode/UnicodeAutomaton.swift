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
}
