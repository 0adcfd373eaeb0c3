import HATStorage
import HATText

/// Scores the bytes of a text with the hierarchical model.
struct HierarchicalTokenScoring: TokenScoring {
  private let model: HierarchicalTransformer
  private let weights: ModelWeights
  private let alternatives: Int
  private let text: [UInt8]
  private let words: [Range<Int>]
  /// Of words.
  private var parts: ArraySlice<Range<Int>>
  private var builder = TokenScoreBuilder()

  /// - Parameter words: of the text.
  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for a word.
  init(
    _ text: [UInt8], _ words: [Range<Int>], _ model: HierarchicalTransformer, _ weights: ModelWeights,
    room: SequenceRoom, alternatives: Int
  ) throws {
    (self.text, self.words, self.model, self.weights) = (text, words, model, weights)
    self.alternatives = alternatives
    parts = try room.parts(of: words)[...]
  }

  mutating func next() throws -> [TokenScore]? {
    guard let part = parts.popFirst() else { return nil }
    let predictions = model.predictions(Batch(piece: part, of: words, in: text), weights)
    var scores: [TokenScore] = []
    var position = 0
    for word in words[part] {
      for byte in text[word] {
        scores.append(builder.score(of: try score(Int(byte), predictions, position)))
        position += 1
      }
      builder.add(mark: try score(Int(SpecialByte.word), predictions, position))
      position += 1
    }
    return scores
  }

  private func score(_ symbol: Int, _ predictions: Predictions, _ position: Int) throws -> SymbolScore {
    let loss = predictions.losses[position]
    guard loss.isFinite else { throw UserError.notFinite("predictions") }
    return SymbolScore(
      symbol, UnsafeBufferPointer(start: predictions.logits.base + position * 256, count: 256),
      logProbability: -Double(loss), alternatives: alternatives)
  }
}
