/// The rule `unicode` as tables, for programs in other languages: its automaton, and the class of every code point.
///
/// From the first state on, each scalar of a text is looked up: its class, then what the state decides at a scalar of that
/// class, and the next state.
public struct UnicodeWordTables: Encodable, Sendable {
  /// The class of each code point from U+0000 on, in runs: a letter (A first, a after Z) and how many code points have it, if
  /// more than one.
  public let classes: String
  /// [states, classes]: the next state.
  public let transitions: [[Int]]
  /// [states, classes], in bits: 1, a word starts here; 2, a word started at the mark, which comes first; 4, here is the mark.
  public let decisions: [[Int]]
  /// [states]: whether the end of the text makes a word start at the mark.
  public let isInDoubt: [Bool]

  public init() {
    let automaton = UnicodeAutomaton.shared
    let states = (0..<automaton.stateCount).map { state in
      ScalarClass.all.indices.map { automaton.transition(from: state, class: $0) }
    }
    classes = ScalarClass.runs.description.filter { $0 != "\n" }
    transitions = states.map { $0.map(\.state) }
    decisions = states.map { $0.map { Int($0.decision.rawValue) } }
    isInDoubt = (0..<automaton.stateCount).map { automaton.isInDoubt(state: $0) }
  }
}
