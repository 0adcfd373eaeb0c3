import Foundation
import HATStorage
import HATText

/// Scores the tokens of a text with the baseline: as they are given, also where the encoder would choose others.
///
/// In the place of every token a longer one might have come. So a token's score is the probability that the text goes on with its bytes;
/// what it costs that no longer token came belongs to the token behind it, as the end of a word does. Then the scores of a
/// string's tokens add up to what `TextScorer.score(_:after:)` says of it.
struct SubwordTokenScoring: TokenScoring {
  private let model: SubwordTransformer
  private let weights: ModelWeights
  private let vocabulary: SubwordVocabulary
  private let beginnings: TokenBeginnings
  private let alternatives: Int
  private let tokens: [Int32]
  private var parts: ArraySlice<Range<Int>>
  private var builder = TokenScoreBuilder()

  /// - Parameter words: of the text of the tokens.
  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for a word.
  init(
    _ tokens: [Int32], _ words: [Range<Int>], _ model: SubwordTransformer, _ weights: ModelWeights,
    _ vocabulary: SubwordVocabulary, _ beginnings: TokenBeginnings, room: SequenceRoom, alternatives: Int
  ) throws {
    (self.tokens, self.model, self.weights) = (tokens, model, weights)
    (self.vocabulary, self.beginnings, self.alternatives) = (vocabulary, beginnings, alternatives)
    let starts = try room.parts(of: words).map { words[$0.lowerBound].lowerBound }
    parts = Self.parts(tokens, starts: starts, vocabulary)[...]
  }

  /// - Parameter starts: of parts, in bytes. A token that lies across the border of two belongs to the first.
  private static func parts(
    _ tokens: [Int32], starts: [Int], _ vocabulary: SubwordVocabulary
  ) -> [Range<Int>] {
    var (byte, borders) = (0, [Int]())
    for (index, token) in tokens.enumerated() {
      if borders.count < starts.count, byte >= starts[borders.count] { borders.append(index) }
      byte += vocabulary.length(of: token)
    }
    return zip(borders, borders.dropFirst() + [tokens.count]).map { $0..<$1 }
  }

  mutating func next() throws -> [TokenScore]? {
    guard let part = parts.popFirst() else { return nil }
    var batch = TokenBatch()
    batch.appendPiece(
      opening: part.lowerBound == 0 ? SubwordVocabulary.documentMark : tokens[part.lowerBound - 1],
      targets: tokens[part])
    _ = model.loss(batch, weights)
    let losses = Array(model.outcomes.losses)
    return try part.enumerated().map { position, index in
      guard losses[position].isFinite else { throw UserError.notFinite("predictions") }
      return score(tokens[index], -Double(losses[position]), position, isLast: index + 1 == tokens.count)
    }
  }

  /// - Parameter logProbability: the logarithm of that of the token itself.
  private mutating func score(
    _ token: Int32, _ logProbability: Double, _ position: Int, isLast: Bool
  ) -> TokenScore {
    let logits = model.logits(ofTarget: position, weights)
    let own = logits[Int(token)]
    let longer = beginnings[token]
    let closing = -log(longer.reduce(0) { $0 + exp(Double(logits[Int($1)]) - Double(own)) })
    let beginning =
      isLast
      ? -TokenMass(logits, vocabulary, given: []) { beginnings.contains($0, among: token) }.nats
      : logProbability - closing
    let likeliest = SymbolScore(
      Int(token), logits, logProbability: logProbability, alternatives: alternatives
    ).alternatives
    var score = builder.score(of: SymbolScore(Int(token), beginning, joined(likeliest, token, beginning)))
    score.wordEndLogProbability = nil
    let best = longer.max { logits[Int($0)] < logits[Int($1)] }!
    let winner = logits[Int(best)] == own ? token : best
    builder.add(
      mark: SymbolScore(
        Int(token), closing,
        alternatives == 0 ? [] : [.init(Int(winner), closing + (Double(logits[Int(winner)]) - Double(own)))]))
    return score
  }

  /// The likeliest tokens; those that begin with the bytes of the token, if the likeliest of all does, as one.
  private func joined(
    _ likeliest: [TokenScore.Alternative], _ token: Int32, _ logProbability: Double
  ) -> [TokenScore.Alternative] {
    func begins(_ other: TokenScore.Alternative) -> Bool {
      beginnings.contains(Int32(other.token), among: token)
    }
    guard let first = likeliest.first, begins(first) else { return likeliest }
    return [.init(Int(token), logProbability)] + likeliest.filter { !begins($0) }
  }
}
