/// One micro-batch as the subword baseline reads it: the pieces of a `Batch` as tokens, in flat arrays without padding.
///
/// Of each piece the same text is predicted as by the hierarchical model, whose words it is cut into: the tokens of
/// all words but the first, of which the last token alone is read. Legend: T tokens, P pieces, W words of text.
public struct TokenBatch: PreferenceBatch, Sendable, Equatable {
  /// [T], what is read: the document mark or a piece's last token before its text, then its tokens but the last.
  public private(set) var inputs: [Int32] = []
  /// [T], what is predicted.
  public private(set) var targets: [Int32] = []
  /// [P + 1]: piece p is tokens `pieceOffsets[p]..<pieceOffsets[p + 1]`.
  public private(set) var pieceOffsets: [Int32] = [0]
  /// [T]: whether each target is part of the loss; empty where all are.
  public private(set) var counts: [Bool] = []
  /// [P / 2]; empty but for preference pairs: pieces 2i and 2i + 1 are the chosen and the rejected answer of `pairs[i]`.
  public var pairs: [PreferencePair] = []
  /// [W]: for each word that counts (marks left out) the targets that hold a byte of it; neighbouring words may share a target. Of
  /// preference pairs, words of the chosen answers.
  public private(set) var words: [Range<Int32>] = []
  /// Bytes of these words.
  public private(set) var textBytes = 0

  public init() {}

  public var tokenCount: Int { targets.count }
  public var pieceCount: Int { pieceOffsets.count - 1 }

  /// Whether a target counts: whether it is part of the loss.
  public func isCounted(_ target: Int) -> Bool { counts.isEmpty || counts[target] }

  /// The next targets that count and have no gap between them.
  /// - Returns: nil if none is left.
  public func nextCounted(from start: Int, atMost limit: Int) -> Range<Int>? {
    guard let first = (start..<tokenCount).first(where: isCounted) else { return nil }
    var end = first + 1
    while end < min(tokenCount, first + limit), isCounted(end) { end += 1 }
    return first..<end
  }

  public func tokenRange(ofPiece piece: Int) -> Range<Int> {
    Int(pieceOffsets[piece])..<Int(pieceOffsets[piece + 1])
  }

  /// Appends a piece.
  /// - Parameters:
  ///   - opening: the token before the first target.
  ///   - targets: at least one.
  ///   - counts: whether each of them is part of the loss; empty where all are.
  public mutating func appendPiece(
    opening: Int32, targets: some Collection<Int32>, counts: [Bool] = []
  ) {
    precondition(!targets.isEmpty, "a piece has a target")
    precondition(counts.isEmpty || counts.count == targets.count, "each target counts or not")
    if !counts.isEmpty || !self.counts.isEmpty {
      if self.counts.isEmpty { self.counts = Array(repeating: true, count: self.targets.count) }
      self.counts += counts.isEmpty ? Array(repeating: true, count: targets.count) : counts
    }
    inputs.append(opening)
    inputs.append(contentsOf: targets.dropLast())
    self.targets.append(contentsOf: targets)
    pieceOffsets.append(Int32(self.targets.count))
  }

  /// Names the targets of a word of `bytes` bytes of the text.
  mutating func appendWord(_ targets: Range<Int>, bytes: Int) {
    words.append(Int32(targets.lowerBound)..<Int32(targets.upperBound))
    textBytes += bytes
  }
}

/// Writes the pieces of a `Batch` with the tokens of a vocabulary.
///
/// Not for use by several threads at once.
public final class TokenBatcher {
  private let encoder: SubwordEncoder
  /// The targets of the piece being written.
  private var tokens: [Int32] = []
  /// [tokens]: whether each counts.
  private var counts: [Bool] = []

  public init(_ vocabulary: SubwordVocabulary) {
    encoder = SubwordEncoder(vocabulary)
  }

  /// The same pieces as tokens: a piece's text is encoded from its first target word on.
  public func tokens(of batch: Batch) -> TokenBatch {
    var result = TokenBatch()
    result.pairs = batch.pairs
    for piece in 0..<batch.pieceCount { append(batch, batch.wordRange(ofPiece: piece), to: &result) }
    return result
  }

  private func append(_ batch: Batch, _ words: Range<Int>, to result: inout TokenBatch) {
    let opening = opening(batch, words.lowerBound)
    let first = result.tokenCount
    encode(batch, words.dropFirst())
    let reportsWords = result.pairs.isEmpty || result.pieceCount % 2 == 0
    findWords(batch, words.dropFirst(), firstTarget: first, reportsWords: reportsWords, in: &result)
    result.appendPiece(opening: opening, targets: tokens, counts: counts.allSatisfy { $0 } ? [] : counts)
  }

  private func opening(_ batch: Batch, _ word: Int) -> Int32 {
    encode(batch, word..<word + 1)
    return tokens.last!
  }

  /// Leaves the tokens of words that follow each other in `tokens`.
  private func encode(_ batch: Batch, _ words: Range<Int>) {
    tokens.removeAll(keepingCapacity: true)
    let bytes = Int(batch.wordOffsets[words.lowerBound])..<Int(batch.wordOffsets[words.upperBound])
    batch.bytes.withUnsafeBufferPointer {
      encoder.encode(UnsafeBufferPointer(rebasing: $0[bytes]), into: &tokens)
    }
  }

  /// Walks words and tokens side by side. A token counts where a word counts of which it holds a byte.
  /// - Parameter reportsWords: whether its words and bytes are counted: not those of rejected answers.
  private func findWords(
    _ batch: Batch, _ words: Range<Int>, firstTarget: Int, reportsWords: Bool, in result: inout TokenBatch
  ) {
    counts.removeAll(keepingCapacity: true)
    counts.append(contentsOf: repeatElement(false, count: tokens.count))
    // The token at which a word starts, and where that token ends in the text.
    var token = 0
    var (wordEnd, tokenEnd) = (0, length(of: tokens[0]))
    for word in words {
      let bytes = batch.byteRange(ofWord: word).count
      let wordStart = wordEnd
      wordEnd += bytes
      while tokenEnd <= wordStart {
        token += 1
        tokenEnd += length(of: tokens[token])
      }
      let first = token
      while tokenEnd < wordEnd {
        token += 1
        tokenEnd += length(of: tokens[token])
      }
      guard batch.counts(word) else { continue }
      for token in first...token { counts[token] = true }
      if reportsWords && !batch.isMark(word) {
        result.appendWord(firstTarget + first..<firstTarget + token + 1, bytes: bytes)
      }
    }
  }

  /// In bytes of a batch, where the document mark is a byte.
  private func length(of token: Int32) -> Int {
    token == SubwordVocabulary.documentMark ? 1 : encoder.vocabulary.length(of: token)
  }
}
