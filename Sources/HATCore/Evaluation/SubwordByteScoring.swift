import HATStorage
import HATText

/// Scores the bytes of a text with the baseline, whose tokens are those that the encoder writes the text with.
///
/// A byte's score is the probability that the token goes on with it, among all tokens that begin with the bytes before it. What it costs
/// that no longer token came belongs to the byte behind the token, as the end of a word does. Then the scores of a string's bytes
/// add up to what `TextScorer.score(_:after:)` says of it, wherever in a token it begins.
struct SubwordByteScoring: TokenScoring {
  private let model: SubwordTransformer
  private let weights: ModelWeights
  private let encoder: SubwordEncoder
  private let beginnings: TokenBeginnings
  private let alternatives: Int
  private let text: [UInt8]
  private let words: [Range<Int>]
  /// Of words.
  private var parts: ArraySlice<Range<Int>>
  private var builder = TokenScoreBuilder()

  /// - Parameter words: of the text.
  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for a word.
  init(
    _ text: [UInt8], _ words: [Range<Int>], _ model: SubwordTransformer, _ weights: ModelWeights,
    _ encoder: SubwordEncoder, _ beginnings: TokenBeginnings, room: SequenceRoom, alternatives: Int
  ) throws {
    (self.text, self.words, self.model, self.weights) = (text, words, model, weights)
    (self.encoder, self.beginnings, self.alternatives) = (encoder, beginnings, alternatives)
    parts = try room.parts(of: words)[...]
  }

  mutating func next() throws -> [TokenScore]? {
    guard let part = parts.popFirst() else { return nil }
    let tokens = encoder.encode(
      partOfText: text[words[part.lowerBound].lowerBound..<words[part.upperBound - 1].upperBound])
    var batch = TokenBatch()
    batch.appendPiece(opening: opening(part.lowerBound), targets: tokens)
    _ = model.loss(batch, weights)
    let losses = Array(model.outcomes.losses)
    var scores: [TokenScore] = []
    for (position, token) in tokens.enumerated() {
      guard losses[position].isFinite else { throw UserError.notFinite("predictions") }
      let isLast = parts.isEmpty && position + 1 == tokens.count
      let spelling = TokenSpelling(
        token, encoder.vocabulary.bytes(of: token), beginnings, model.logits(ofTarget: position, weights),
        logProbability: isLast ? nil : -Double(losses[position]), alternatives: alternatives)
      for byte in spelling.bytes {
        var score = builder.score(of: byte)
        score.wordEndLogProbability = nil
        scores.append(score)
      }
      builder.add(mark: spelling.end)
    }
    return scores
  }

  /// The document mark, or the last token before a part.
  private func opening(_ word: Int) -> Int32 {
    guard word > 0 else { return SubwordVocabulary.documentMark }
    return encoder.encode(partOfText: text[words[word - 1]]).last!
  }
}
