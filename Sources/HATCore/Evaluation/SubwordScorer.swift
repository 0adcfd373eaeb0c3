import HATStorage
import HATText

/// The baseline as one that scores text: in the same sequences of the same text as the hierarchical model.
public final class SubwordScorer: TextScorer {
  private let model: SubwordTransformer
  private let weights: ModelWeights
  private let vocabulary: SubwordVocabulary
  private let batcher: TokenBatcher
  private let splitter: WordSplitter
  private let room: SequenceRoom
  private lazy var beginnings = TokenBeginnings(vocabulary)
  private lazy var encoder = SubwordEncoder(vocabulary)

  /// - Parameter model: with room for one sequence.
  public init(
    _ model: SubwordTransformer, _ weights: ModelWeights, _ vocabulary: SubwordVocabulary,
    splitter: WordSplitter, sequenceWords: Int, sequenceBytes: Int
  ) {
    (self.model, self.weights, self.vocabulary) = (model, weights, vocabulary)
    self.splitter = splitter
    room = SequenceRoom(words: sequenceWords, bytes: sequenceBytes)
    batcher = TokenBatcher(vocabulary)
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
      let tokens = batcher.tokens(of: batch)
      tally.sum = tally.sum + model.likelihood(tokens, weights)
      let losses = model.outcomes.losses
      var nats: [Double] = []
      for piece in 0..<tokens.pieceCount {
        let targets = tokens.tokenRange(ofPiece: piece)
        nats.append(targets.reduce(0) { $0 + Double(losses[$1]) })
        guard tokens.pairs.isEmpty || piece % 2 == 0 else { continue }
        for target in targets where SubwordVocabulary.isMark(tokens.targets[target]) {
          tally.markNats += Double(losses[target])
        }
      }
      for pair in tokens.pairs.indices { tally.addPair(nats: nats[2 * pair], nats[2 * pair + 1]) }
    }
    return try tally.finite()
  }

  /// Context and target are encoded together, so the target may begin inside a token. The first bytes of that token are
  /// given; the score is the probability of the token among those that begin so. For the last token the score is the
  /// probability that the text continues with its bytes: the token might be longer, as the last word might be for the
  /// hierarchical model.
  public func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore {
    let scored = try ScoredText(target, after: context, splitter: splitter, room: room)
    let batch = batcher.tokens(of: scored.batch)
    _ = model.loss(batch, weights)
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
    return try score.finite()
  }

  public func scoring(of tokens: [Int], alternatives: Int) throws -> any TokenScoring {
    let tokens = tokens.map { Int32($0) }
    let lengths = splitter.split(partOfText: vocabulary.decode(tokens))
    precondition(lengths != nil, "tokens are of a text")
    return try SubwordTokenScoring(
      tokens, lengths!.wordRanges, model, weights, vocabulary, beginnings, room: room,
      alternatives: alternatives)
  }

  public func scoring(ofBytes text: [UInt8], alternatives: Int) throws -> any TokenScoring {
    let lengths = splitter.split(partOfText: text)
    precondition(lengths != nil, "bytes are of a text")
    return try SubwordByteScoring(
      text, lengths!.wordRanges, model, weights, encoder, beginnings, room: room, alternatives: alternatives)
  }

  /// Scores a token whose first bytes are given, or which may be the beginning of a longer one.
  private func add(
    _ token: Int32, given: ArraySlice<UInt8>, at position: Int, isLast: Bool, to score: inout TargetScore
  ) {
    let bytes = vocabulary.bytes(of: token)
    let mass = TokenMass(model.logits(ofTarget: position, weights), vocabulary, given: given) { other in
      other == token || isLast && vocabulary.bytes(of: other).starts(with: bytes)
    }
    score.add(nats: mass.nats, isGreedy: mass.isGreedy)
  }
}

extension TargetScore {
  fileprivate mutating func add(nats: Double, isGreedy: Bool) {
    self.nats += nats
    if !isGreedy { self.isGreedy = false }
  }
}
