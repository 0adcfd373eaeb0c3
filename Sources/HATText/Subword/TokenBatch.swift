/// One micro-batch as the subword baseline reads it: the pieces of a `Batch` as tokens, in flat arrays without padding.
///
/// Of each piece the same text is predicted as by the hierarchical model, whose words it is cut into: the tokens of
/// all words but the first, of which the last token alone is read. Legend: T tokens, P pieces, W words of text.
public struct TokenBatch: Sendable, Equatable {
  /// [T], what is read: the document mark or a piece's last token before its text, then its tokens but the last.
  public private(set) var inputs: [Int32] = []
  /// [T], what is predicted.
  public private(set) var targets: [Int32] = []
  /// [P + 1]: piece p is tokens `pieceOffsets[p]..<pieceOffsets[p + 1]`.
  public private(set) var pieceOffsets: [Int32] = [0]
  /// [W]: the targets that hold at least one byte of each predicted word; neighbours may share one.
  public private(set) var words: [Range<Int32>] = []
  /// Bytes of text that the targets hold.
  public private(set) var textBytes = 0

  public init() {}

  public var tokenCount: Int { targets.count }
  public var pieceCount: Int { pieceOffsets.count - 1 }

  public func tokenRange(ofPiece piece: Int) -> Range<Int> {
    Int(pieceOffsets[piece])..<Int(pieceOffsets[piece + 1])
  }
}

extension TokenBatch {
  /// Appends a piece.
  /// - Parameters:
  ///   - opening: the token before the first target.
  ///   - targets: at least one.
  public mutating func appendPiece(opening: Int32, targets: some Collection<Int32>) {
    precondition(!targets.isEmpty, "a piece has a target")
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
