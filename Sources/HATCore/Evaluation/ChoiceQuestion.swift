/// A text with several continuations, of which one is right.
public struct ChoiceQuestion: Question {
  public static let example = #"{"context": "The sky is", "choices": [" blue", " bread"], "answer": 0}"#

  public var context: String
  public var choices: [String]
  public var answer: Answer

  /// Which choice is right.
  public enum Answer: Decodable, Sendable {
    /// Counted from 0.
    case number(Int)
    case text(String)

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  public var fault: (problem: String, hint: String)? {
    if choices.count < 2 { return ("there are fewer than two \"choices\"", "Give at least two.") }
    if choices.contains("") { return ("one of the \"choices\" is empty", "Give each choice some text.") }
    if Set(choices.map { Array($0.utf8) }).count < choices.count {
      return ("two \"choices\" are the same", "Give each choice once.")
    }
    if rightChoice == nil {
      return (
        "\"answer\" is none of the choices",
        "Give its number, counted from 0, or its exact text."
      )
    }
    return nil
  }

  private var rightChoice: Int? {
    switch answer {
    case .number(let number): choices.indices.contains(number) ? number : nil
    case .text(let text): choices.firstIndex { $0.utf8.elementsEqual(text.utf8) }
    }
  }

  public func ask(_ scorer: some TextScorer) throws -> ChoiceTally {
    let scores = try choices.map { try score($0, scorer) }
    var tally = ChoiceTally()
    tally.questions = 1
    tally.correct = isBest(scores.map(\.nats)) ? 1 : 0
    tally.correctPerByte = isBest(scores.map(\.natsPerByte)) ? 1 : 0
    return tally
  }

  /// A tie is no preference.
  private func isBest(_ costs: [Double]) -> Bool {
    let right = rightChoice!
    return costs.indices.allSatisfy { $0 == right || costs[right] < costs[$0] }
  }
}

public struct ChoiceTally: Tally, Equatable {
  public var questions = 0
  /// Questions whose answer is likelier than each other choice.
  public var correct = 0
  /// The same by the likelihood per byte, which does not favour short choices.
  public var correctPerByte = 0

  public init() {}

  public static func + (first: ChoiceTally, second: ChoiceTally) -> ChoiceTally {
    var sum = first
    sum.questions += second.questions
    sum.correct += second.correct
    sum.correctPerByte += second.correctPerByte
    return sum
  }

  public var measures: [Measure] {
    [
      Measure("accuracy", Double(correct) / Double(questions), better: .more),
      Measure("accuracy_per_byte", Double(correctPerByte) / Double(questions), better: .more),
    ]
  }

  public var counts: [Count] {
    [
      Count("questions", questions), Count("correct", correct), Count("correct_per_byte", correctPerByte),
    ]
  }
}
