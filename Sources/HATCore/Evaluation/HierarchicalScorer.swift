import HATStorage
import HATText

/// The hierarchical model as one that scores text.
///
/// A document is read from its beginning in sequences of the length the model was trained with, on its own: what
/// stands beside it in a corpus has no influence. Legend: P target positions.
public final class HierarchicalScorer: TextScorer {
  private let model: HierarchicalTransformer
  private let parameters: UnsafePointer<Float>
  private let splitter: WordSplitter
  private let sequenceWords: Int
  private let sequenceBytes: Int

  /// - Parameters:
  ///   - model: with room for one sequence.
  ///   - parameters: [model.layout.count], which must outlive the scorer.
  public init(
    _ model: HierarchicalTransformer, parameters: UnsafePointer<Float>, splitter: WordSplitter,
    sequenceWords: Int, sequenceBytes: Int
  ) {
    (self.model, self.parameters, self.splitter) = (model, parameters, splitter)
    (self.sequenceWords, self.sequenceBytes) = (sequenceWords, sequenceBytes)
  }

  public func score(document text: [UInt8]) throws -> TextTally {
    let stream = try EvaluationStream(
      text: text, splitter: splitter, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes)
    var tally = TextTally()
    while let batch = try stream.nextSequence() {
      let outcomes = TargetOutcomes(batch, model: model, parameters: parameters)
      var position = 0
      for piece in 0..<batch.pieceCount {
        for word in batch.wordRange(ofPiece: piece).dropFirst() {
          tally.add(outcomes, bytes: batch.textBytes(ofWord: word), at: &position)
        }
      }
    }
    return tally
  }

  /// Scored are the target's bytes, in the words that context and target together are cut into, and the `[W]` between
  /// those words, the one before the target's first byte included. Bytes of the context in the word that the target
  /// goes on with are given, not scored. The `[W]` behind the target is no part of it: a longer word may follow.
  public func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore {
    let scored = try ScoredText(
      target, after: context, splitter: splitter, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes)
    let outcomes = TargetOutcomes(scored.batch, model: model, parameters: parameters)
    var score = TargetScore(nats: 0, bytes: target.count, isGreedy: true)
    var position = 0
    for word in scored.words[scored.first...] {
      for byte in word {
        if byte >= scored.start { score.add(outcomes, at: position) }
        position += 1
      }
      if scored.start..<scored.text.count ~= word.upperBound { score.add(outcomes, at: position) }
      position += 1
    }
    return score
  }
}

extension Batch {
  /// None for a document mark.
  fileprivate func textBytes(ofWord word: Int) -> Int {
    isDocumentMark(word) ? 0 : byteRange(ofWord: word).count
  }
}

extension TextTally {
  /// Counts a word of `bytes` bytes and its mark, or a document mark alone, and moves `position` behind them.
  fileprivate mutating func add(_ outcomes: TargetOutcomes, bytes: Int, at position: inout Int) {
    let mark = position + bytes
    var right = 0
    for byte in position..<mark {
      sum.nats += Double(outcomes.losses[byte])
      if outcomes.isRight[byte] { right += 1 }
    }
    sum.nats += Double(outcomes.losses[mark])
    markNats += Double(outcomes.losses[mark])
    sum.targetPositions += bytes + 1
    position = mark + 1
    if bytes > 0 { sum.countWord(bytes: bytes, right: right, isMarkRight: outcomes.isRight[mark]) }
  }
}

extension TargetScore {
  fileprivate mutating func add(_ outcomes: TargetOutcomes, at position: Int) {
    nats += Double(outcomes.losses[position])
    if !outcomes.isRight[position] { isGreedy = false }
  }
}
