import HATStorage
import HATText

/// The hierarchical model as one that scores text.
///
/// A document is read from its beginning in sequences of the length the model was trained with, on its own: its neighbours
/// in a corpus have no influence.
public final class HierarchicalScorer: TextScorer {
  private let model: HierarchicalTransformer
  private let weights: ModelWeights
  private let splitter: WordSplitter
  private let room: SequenceRoom

  /// - Parameter model: with room for one sequence.
  public init(
    _ model: HierarchicalTransformer, _ weights: ModelWeights, splitter: WordSplitter,
    sequenceWords: Int, sequenceBytes: Int
  ) {
    (self.model, self.weights, self.splitter) = (model, weights, splitter)
    room = SequenceRoom(words: sequenceWords, bytes: sequenceBytes)
  }

  public func score(document text: [UInt8]) throws -> TextTally {
    try tally(
      EvaluationStream(
        text: text, splitter: splitter, sequenceWords: room.words, sequenceBytes: room.bytes))
  }

  public func score(_ document: ShardDocument) throws -> TextTally {
    try tally(
      EvaluationStream(
        document: document, splitter: splitter, sequenceWords: room.words, sequenceBytes: room.bytes))
  }

  private func tally(_ stream: EvaluationStream) throws -> TextTally {
    var tally = TextTally()
    while let batch = try stream.nextSequence() {
      let predictions = model.predictions(batch, weights)
      var position = 0
      guard !batch.pairs.isEmpty else {
        for piece in 0..<batch.pieceCount { tally.add(predictions, of: batch, piece, at: &position) }
        continue
      }
      for pair in batch.pairs.indices {
        var (chosen, rejected) = (TextTally(), TextTally())
        chosen.add(predictions, of: batch, 2 * pair, at: &position)
        rejected.add(predictions, of: batch, 2 * pair + 1, at: &position)
        tally = tally + chosen
        tally.addPair(nats: chosen.sum.nats, rejected.sum.nats)
      }
    }
    return try tally.finite()
  }

  /// Context and target are cut into words together. The score covers the target's bytes and the `[W]` between their
  /// words, including one right before the target. If the target continues a word of the context, the word's first bytes
  /// are given, not scored. The `[W]` after the target does not count: the word might be longer.
  public func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore {
    let scored = try ScoredText(target, after: context, splitter: splitter, room: room)
    let predictions = model.predictions(scored.batch, weights)
    var score = TargetScore(nats: 0, bytes: target.count, isGreedy: true)
    var position = 0
    for word in scored.words[scored.first...] {
      for byte in word {
        if byte >= scored.start { score.add(predictions, at: position) }
        position += 1
      }
      if scored.start..<scored.text.count ~= word.upperBound { score.add(predictions, at: position) }
      position += 1
    }
    return try score.finite()
  }

  public func scoring(of tokens: [Int], alternatives: Int) throws -> any TokenScoring {
    try scoring(ofBytes: tokens.map { UInt8($0) }, alternatives: alternatives)
  }

  public func scoring(ofBytes text: [UInt8], alternatives: Int) throws -> any TokenScoring {
    let lengths = splitter.split(partOfText: text)
    precondition(lengths != nil, "bytes are of a text")
    return try HierarchicalTokenScoring(
      text, lengths!.wordRanges, model, weights, room: room, alternatives: alternatives)
  }
}

extension Batch {
  /// None for a mark.
  fileprivate func textBytes(ofWord word: Int) -> Int {
    isMark(word) ? 0 : byteRange(ofWord: word).count
  }
}

extension TextTally {
  /// Counts the words of a piece that count, and moves `position` past all of them.
  fileprivate mutating func add(
    _ predictions: Predictions, of batch: Batch, _ piece: Int, at position: inout Int
  ) {
    for word in batch.wordRange(ofPiece: piece).dropFirst() {
      let bytes = batch.textBytes(ofWord: word)
      if batch.counts(word) {
        add(predictions, bytes: bytes, at: &position)
      } else {
        position += bytes + 1
      }
    }
  }

  /// Counts a word of `bytes` bytes and its mark, or a document mark alone, and moves `position` past them.
  fileprivate mutating func add(_ predictions: Predictions, bytes: Int, at position: inout Int) {
    let mark = position + bytes
    var right = 0
    for byte in position..<mark {
      sum.nats += Double(predictions.losses[byte])
      if predictions.isRight[byte] { right += 1 }
    }
    sum.nats += Double(predictions.losses[mark])
    markNats += Double(predictions.losses[mark])
    sum.targetPositions += bytes + 1
    position = mark + 1
    if bytes > 0 { sum.countWord(bytes: bytes, right: right, isMarkRight: predictions.isRight[mark]) }
  }
}

extension TargetScore {
  fileprivate mutating func add(_ predictions: Predictions, at position: Int) {
    nats += Double(predictions.losses[position])
    if !predictions.isRight[position] { isGreedy = false }
  }
}
