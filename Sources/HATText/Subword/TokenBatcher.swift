/// Writes the pieces of a `Batch` with the tokens of a vocabulary.
///
/// Not for use by several threads at once.
public final class TokenBatcher {
  private let encoder: SubwordEncoder
  private var tokens: [Int32] = []

  public init(_ vocabulary: SubwordVocabulary) {
    encoder = SubwordEncoder(vocabulary)
  }

  /// The same pieces as tokens: a piece's text is encoded from its first target word on.
  public func tokens(of batch: Batch) -> TokenBatch {
    var result = TokenBatch()
    for piece in 0..<batch.pieceCount { append(batch, batch.wordRange(ofPiece: piece), to: &result) }
    return result
  }

  private func append(_ batch: Batch, _ words: Range<Int>, to result: inout TokenBatch) {
    let closes = batch.isDocumentMark(words.upperBound - 1)
    let text = words.dropFirst().dropLast(closes ? 1 : 0)
    let opening = opening(batch, words.lowerBound)
    encode(batch, text)
    let first = result.tokenCount
    if closes { tokens.append(SubwordVocabulary.documentMark) }
    result.appendPiece(opening: opening, targets: tokens)
    findWords(batch, text, firstTarget: first, in: &result)
  }

  private func opening(_ batch: Batch, _ word: Int) -> Int32 {
    if batch.isDocumentMark(word) { return SubwordVocabulary.documentMark }
    encode(batch, word..<word + 1)
    return tokens.last!
  }

  /// Leaves the tokens of words that follow each other in `tokens`.
  private func encode(_ batch: Batch, _ words: Range<Int>) {
    tokens.removeAll(keepingCapacity: true)
    guard let first = words.first, let last = words.last else { return }
    let bytes = batch.byteRange(ofWord: first).lowerBound..<batch.byteRange(ofWord: last).upperBound
    batch.bytes.withUnsafeBufferPointer {
      encoder.encode(UnsafeBufferPointer(rebasing: $0[bytes]), into: &tokens)
    }
  }

  /// Walks words and tokens side by side.
  private func findWords(_ batch: Batch, _ words: Range<Int>, firstTarget: Int, in result: inout TokenBatch) {
    // The token at which a word starts, and where that token ends in the text.
    var token = 0
    var (wordEnd, tokenEnd) = (0, tokens.first.map(encoder.vocabulary.length) ?? 0)
    for word in words {
      let length = batch.byteRange(ofWord: word).count
      let wordStart = wordEnd
      wordEnd += length
      while tokenEnd <= wordStart {
        token += 1
        tokenEnd += encoder.vocabulary.length(of: tokens[token])
      }
      let first = token
      while tokenEnd < wordEnd {
        token += 1
        tokenEnd += encoder.vocabulary.length(of: tokens[token])
      }
      result.appendWord(firstTarget + first..<firstTarget + token + 1, bytes: length)
    }
  }
}
