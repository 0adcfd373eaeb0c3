import HATText

/// The target positions of a batch in order, each with where it lies.
public struct PositionMap: Sequence {
  public struct Position {
    /// Among all target positions of the batch.
    public var index: Int
    /// The target word it spells, in the batch's list of words.
    public var word: Int
    /// Which byte of that word, counted from 0; `[W]` comes after the last.
    public var byte: Int
    /// The words of its piece.
    public var piece: Range<Int>
    /// All input words of the batch.
    public var inputWords: [Int]
    /// All target words of the batch.
    public var targetWords: [Int]
  }

  private let positions: [Position]

  public init(_ batch: Batch) {
    let pieces = (0..<batch.pieceCount).map { batch.wordRange(ofPiece: $0) }
    let (inputs, targets) = (
      pieces.flatMap { Array($0.dropLast()) }, pieces.flatMap { Array($0.dropFirst()) }
    )
    var positions: [Position] = []
    for piece in pieces {
      for word in piece.dropFirst() {
        let length = batch.byteRange(ofWord: word).count + (batch.isMark(word) ? 0 : 1)
        for byte in 0..<length {
          positions.append(
            Position(
              index: positions.count, word: word, byte: byte, piece: piece, inputWords: inputs,
              targetWords: targets))
        }
      }
    }
    self.positions = positions
  }

  public func makeIterator() -> IndexingIterator<[Position]> {
    positions.makeIterator()
  }
}
