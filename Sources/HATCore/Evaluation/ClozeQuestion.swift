import Foundation

/// A passage whose end is to be guessed, as in LAMBADA.
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
  private var words: Int {
    max(1, target.unicodeScalars.split { $0.properties.isWhitespace }.count)
  }
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
