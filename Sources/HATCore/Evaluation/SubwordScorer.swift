import Foundation
import HATStorage
import HATText

/// The baseline as one that scores text: in the same sequences of the same text as the hierarchical model.
public final class SubwordScorer: TextScorer {
  private let model: SubwordTransformer
  private let parameters: UnsafePointer<Float>
  private let vocabulary: SubwordVocabulary
  private let batcher: TokenBatcher
  private let splitter: WordSplitter
  private let sequenceWords: Int
  private let sequenceBytes: Int

  /// - Parameters:
  ///   - model: with room for one sequence.
  ///   - parameters: [model.layout.count], which must outlive the scorer.
  public init(
    _ model: SubwordTransformer, parameters: UnsafePointer<Float>, _ vocabulary: SubwordVocabulary,
    splitter: WordSplitter, sequenceWords: Int, sequenceBytes: Int
  ) {
    (self.model, self.parameters, self.vocabulary) = (model, parameters, vocabulary)
    (self.splitter, self.sequenceWords, self.sequenceBytes) = (splitter, sequenceWords, sequenceBytes)
    batcher = TokenBatcher(vocabulary)
  }

  public func score(document text: [UInt8]) throws -> TextTally {
    let stream = try EvaluationStream(
      text: text, splitter: splitter, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes)
    var tally = TextTally()
    while let batch = try stream.nextSequence() {
      let tokens = batcher.tokens(of: batch)
      tally.sum = tally.sum + model.loss(tokens, parameters: parameters)
      for (target, loss) in zip(tokens.targets, model.outcomes.losses)
      where target == SubwordVocabulary.documentMark {
        tally.markNats += Double(loss)
      }
    }
    return tally
  }

  /// A string is written with tokens together with its context, and begins inside the token that holds the context's last
  /// byte: given is how that token begins, scored is that it is this one. Of the last token is scored only that the
  /// text goes on with its bytes: a longer token may follow, as a longer word may for the hierarchical model.
  public func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore {
    let scored = try ScoredText(
      target, after: context, splitter: splitter, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes)
    let batch = batcher.tokens(of: scored.batch)
    _ = model.loss(batch, parameters: parameters)
    var score = TargetScore(nats: 0, bytes: target.count, isGreedy: true)
    var end = scored.words[scored.first].lowerBound
    for (position, token) in batch.targets.enumerated() {
      let start = end
      end += vocabulary.length(of: token)
      guard end >= scored.start, end > 0 else { continue }
      if position + 1 < batch.tokenCount, start >= scored.start {
        score.add(nats: Double(model.outcomes.losses[position]), isGreedy: model.outcomes.isRight[position])
      } else {
        let given = vocabulary.bytes(of: token).prefix(max(0, scored.start - start))
        add(token, given: given, at: position, isLast: position + 1 == batch.tokenCount, to: &score)
      }
    }
    return score
  }

  /// Scores a token of which the first bytes are given, or which may be the beginning of a longer one.
  private func add(
    _ token: Int32, given: ArraySlice<UInt8>, at position: Int, isLast: Bool, to score: inout TargetScore
  ) {
    let logits = model.logits(ofTarget: position, parameters: parameters)
    let bytes = vocabulary.bytes(of: token)
    var (accepted, possible) = (ProbabilityMass(), ProbabilityMass())
    for (other, logit) in logits.enumerated() {
      let text = vocabulary.bytes(of: Int32(other))
      guard text.starts(with: given) else { continue }
      possible.add(logit)
      if Int32(other) == token || isLast && text.starts(with: bytes) { accepted.add(logit) }
    }
    score.add(nats: possible.logarithm - accepted.logarithm, isGreedy: accepted.largest == possible.largest)
  }
}

/// A sum of exponentials of logits, which may be large.
private struct ProbabilityMass {
  private(set) var largest = -Float.infinity
  /// In units of e^largest.
  private var sum = 0.0

  mutating func add(_ logit: Float) {
    if logit > largest {
      sum *= exp(Double(largest) - Double(logit))
      largest = logit
    }
    sum += exp(Double(logit) - Double(largest))
  }

  var logarithm: Double { Double(largest) + log(sum) }
}

extension TargetScore {
  fileprivate mutating func add(nats: Double, isGreedy: Bool) {
    self.nats += nats
    if !isGreedy { self.isGreedy = false }
  }
}
