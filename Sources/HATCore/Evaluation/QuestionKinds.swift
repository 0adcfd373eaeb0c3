import Foundation

/// A passage whose end the model has to guess, as in LAMBADA.
public struct ClozeQuestion: Question {
  public static let example = #"{"context": "To be, or not to ", "target": "be"}"#

  public var context: String
  public var target: String

  public var fault: (problem: String, hint: String)? {
    target.isEmpty ? ("\"target\" is empty", "Give the text to be guessed.") : nil
  }

  public func ask(_ scorer: some TextScorer) throws -> ClozeTally {
    let score = try score(target, scorer)
    var tally = ClozeTally()
    tally.targets = 1
    tally.correct = score.isGreedy ? 1 : 0
    tally.nats = score.nats
    tally.bytes = score.bytes
    tally.words = words
    return tally
  }

  /// Runs of what is not white space, whatever rule the model splits by; at least one.
  private var words: Int { max(1, target.unicodeScalars.split { $0.properties.isWhitespace }.count) }
}

public struct ClozeTally: Tally, Equatable {
  public var targets = 0
  /// Targets that greedy decoding writes exactly.
  public var correct = 0
  /// -log P(target | context), summed.
  public var nats = 0.0
  public var bytes = 0
  /// Words of the targets as people count them.
  public var words = 0

  public init() {}

  public static func + (first: ClozeTally, second: ClozeTally) -> ClozeTally {
    var sum = first
    sum.targets += second.targets
    sum.correct += second.correct
    sum.nats += second.nats
    sum.bytes += second.bytes
    sum.words += second.words
    return sum
  }

  public var measures: [Measure] {
    [
      Measure("accuracy", Double(correct) / Double(targets), better: .more),
      Measure("perplexity_per_word", exp(nats / Double(words)), better: .less),
      Measure("perplexity_per_byte", exp(nats / Double(bytes)), better: .less),
    ]
  }

  public var counts: [Count] {
    [
      Count("targets", targets), Count("correct", correct), Count("target_words", words),
      Count("target_bytes", bytes),
    ]
  }
}

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
      return ("\"answer\" is none of the choices", "Give its number, counted from 0, or its exact text.")
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
  /// Questions whose answer is more likely than every other choice.
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
    [Count("questions", questions), Count("correct", correct), Count("correct_per_byte", correctPerByte)]
  }
}

/// A right spelling and a wrong one.
public struct SpellingQuestion: Question {
  public static let example = #"{"good": "receive", "bad": "recieve", "context": "Did you "}"#

  public var context: String
  public var good: String
  public var bad: String

  private enum CodingKeys: CodingKey {
    case context, good, bad
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    context = try container.decodeIfPresent(String.self, forKey: .context) ?? ""
    good = try container.decode(String.self, forKey: .good)
    bad = try container.decode(String.self, forKey: .bad)
  }

  public var fault: (problem: String, hint: String)? {
    if good.isEmpty || bad.isEmpty { return ("a spelling is empty", "Give both.") }
    if good.utf8.elementsEqual(bad.utf8) {
      return ("\"good\" and \"bad\" are the same", "Give two different ones.")
    }
    return nil
  }

  /// A space closes both spellings: otherwise one that begins the other could not lose.
  public func ask(_ scorer: some TextScorer) throws -> SpellingTally {
    let (good, bad) = (try score(good + " ", scorer), try score(bad + " ", scorer))
    var tally = SpellingTally()
    tally.pairs = 1
    tally.preferred = good.nats < bad.nats ? 1 : 0
    return tally
  }
}

public struct SpellingTally: Tally, Equatable {
  public var pairs = 0
  /// Pairs whose right spelling is more likely.
  public var preferred = 0

  public init() {}

  public static func + (first: SpellingTally, second: SpellingTally) -> SpellingTally {
    var sum = first
    sum.pairs += second.pairs
    sum.preferred += second.preferred
    return sum
  }

  public var measures: [Measure] { [Measure("preference", Double(preferred) / Double(pairs), better: .more)] }

  public var counts: [Count] { [Count("pairs", pairs), Count("preferred", preferred)] }
}
