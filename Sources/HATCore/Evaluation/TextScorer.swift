import Foundation
import HATStorage
import HATText

/// A model whose predictions can be measured on text, whatever its own units are: bytes, words or tokens.
///
/// Every measure of `evaluate` comes from the `score` methods, so that the same code compares models of different kinds.
/// An answer must not depend on earlier questions.
public protocol TextScorer: AnyObject {
  /// Scores a document, each of its bytes once.
  /// - Parameter text: UTF-8.
  /// - Throws: `UserError` of kind `invalidData` for what is not UTF-8, and where predictions are not finite.
  func score(document text: [UInt8]) throws -> TextTally

  /// Scores a document of a corpus, each word that counts once: of text every word, of dialogues the answers. Of preferences text
  /// and words are those of the chosen answer.
  /// - Throws: `UserError`: `invalidData` where predictions are not finite; `configuration` where a pair does not fit a sequence.
  func score(_ document: ShardDocument) throws -> TextTally

  /// Scores the bytes of `target` as they follow `context`, which is the beginning of a document and may be empty:
  /// -log P(context + target) + log P(context), where P is the probability that a document begins so.
  /// - Parameters:
  ///   - target: UTF-8, at least one byte.
  ///   - context: UTF-8; if a sequence has no room for all of it, its beginning is left out.
  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for the target, and where predictions are not finite.
  func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore

  /// Scores the tokens of a text, which begins a document: the logarithms of a string's tokens at its end add up to what
  /// `score(_:after:)` says of the string, if a sequence has room for it and the word before it, and its first token begins where it does.
  /// - Parameters:
  ///   - tokens: bytes, or tokens of the model's vocabulary: UTF-8, but for the beginning and the end, which may lie within a scalar.
  ///   - alternatives: at each place, at most.
  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for a word.
  func scoring(of tokens: [Int], alternatives: Int) throws -> any TokenScoring

  /// The same for the bytes of a text, whatever the model's tokens are: a string may begin at any byte that begins a scalar. The scores'
  /// tokens are bytes.
  func scoring(ofBytes text: [UInt8], alternatives: Int) throws -> any TokenScoring
}

/// What a model thinks of a string that follows another.
public struct TargetScore: Sendable, Equatable {
  /// -log P(target | context).
  public var nats: Double
  /// Bytes of the target.
  public var bytes: Int
  /// Whether greedy decoding writes it: at each step the target's own symbol was the most likely one.
  public var isGreedy: Bool

  public init(nats: Double, bytes: Int, isGreedy: Bool) {
    (self.nats, self.bytes, self.isGreedy) = (nats, bytes, isGreedy)
  }

  var natsPerByte: Double { nats / Double(bytes) }

  /// - Throws: `UserError` of kind `invalidData` if it is not finite.
  func finite() throws -> TargetScore {
    guard nats.isFinite else { throw UserError.notFinite("predictions") }
    return self
  }
}

/// What predicting documents gave.
public struct TextTally: Tally, Equatable {
  public var sum = LossSum()
  /// The part of the sum's nats that word ends and document ends cost: the price of the units.
  public var markNats = 0.0
  /// Preference pairs.
  public var pairs = 0
  /// Those of them whose chosen answer is the likelier one.
  public var preferredPairs = 0
  /// log π(chosen) - log π(rejected), summed over the pairs.
  public var margin = 0.0

  public init() {}

  public static func + (first: TextTally, second: TextTally) -> TextTally {
    var tally = TextTally()
    tally.sum = first.sum + second.sum
    tally.markNats = first.markNats + second.markNats
    tally.pairs = first.pairs + second.pairs
    tally.preferredPairs = first.preferredPairs + second.preferredPairs
    tally.margin = first.margin + second.margin
    return tally
  }

  /// - Throws: `UserError` of kind `invalidData` if it is not finite.
  func finite() throws -> TextTally {
    guard sum.nats.isFinite && margin.isFinite else { throw UserError.notFinite("predictions") }
    return self
  }

  public var textBitsPerByte: Double { sum.bitsPerByte - markBitsPerByte }
  public var markBitsPerByte: Double { markNats / log(2) / Double(sum.textBytes) }

  public var measures: [Measure] {
    [
      Measure("bits_per_byte", sum.bitsPerByte, better: .less),
      Measure("text_bits_per_byte", textBitsPerByte, better: .less),
      Measure("mark_bits_per_byte", markBitsPerByte, better: .less),
      Measure("byte_accuracy", sum.byteAccuracy, better: .more),
      Measure("word_accuracy", sum.wordAccuracy, better: .more), Measure("loss", sum.loss, better: .less),
    ]
      + (pairs == 0
        ? []
        : [
          Measure("preference_accuracy", Double(preferredPairs) / Double(pairs), better: .more),
          Measure("preference_margin", margin / Double(pairs), better: .more),
        ])
  }

  /// Counts a pair.
  /// - Parameter nats: of the chosen answer and of the rejected one.
  mutating func addPair(nats chosen: Double, _ rejected: Double) {
    pairs += 1
    if chosen < rejected { preferredPairs += 1 }
    margin += rejected - chosen
  }

  public var counts: [Count] {
    [
      Count("text_bytes", sum.textBytes), Count("correct_bytes", sum.correctBytes),
      Count("words", sum.words), Count("correct_words", sum.correctWords),
      Count("target_positions", sum.targetPositions),
    ] + (pairs == 0 ? [] : [Count("pairs", pairs), Count("preferred_pairs", preferredPairs)])
  }
}

/// A string after its context, cut into words; it keeps as many words of the context as a sequence has room for.
struct ScoredText {
  let text: [UInt8]
  /// Where the string begins.
  let start: Int
  let words: [Range<Int>]
  /// The first word that is a target.
  let first: Int

  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for the string.
  init(_ target: [UInt8], after context: [UInt8], splitter: WordSplitter, room: SequenceRoom) throws {
    precondition(!target.isEmpty, "there is something to score")
    text = context + target
    start = context.count
    words = splitter.split(text).wordRanges
    let firstScored = words.firstIndex { $0.upperBound >= context.count }!
    first = room.first(before: words.count, of: words)
    guard first <= firstScored else { throw room.tooLong(words[firstScored...]) }
  }

  /// The target words as one piece, which opens with the word before them or `[S]`.
  var batch: Batch { Batch(piece: first..<words.count, of: words, in: text) }
}
