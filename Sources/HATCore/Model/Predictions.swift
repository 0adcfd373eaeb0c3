import HATKernels
import HATText

/// What a model says about a batch. Legend: P target positions, W input words.
package final class Predictions {
  package internal(set) var loss = LossSum()
  /// [P, 256]
  package let logits: FloatBuffer
  /// [P]
  package let targets: FloatBuffer
  /// [W, D], e.
  package let wordEmbeddings: FloatBuffer
  /// [W, D], h.
  package let predictiveEmbeddings: FloatBuffer
  /// [W + 1]: where each target word's positions start.
  private let starts: [Int]

  init(_ batch: Batch, embeddings: MatrixView, predictive: MatrixView) {
    var starts = [0]
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropFirst() {
        starts.append(
          starts.last! + (batch.isDocumentMark(word) ? 1 : batch.byteRange(ofWord: word).count + 1))
      }
    }
    self.starts = starts
    logits = FloatBuffer(zeroed: starts.last! * 256)
    targets = FloatBuffer(zeroed: starts.last!)
    wordEmbeddings = FloatBuffer(copying: embeddings)
    predictiveEmbeddings = FloatBuffer(copying: predictive)
  }

  /// Puts a tile's logits where its words stand in the batch.
  func take(_ tileLogits: MatrixView, of words: UnsafeBufferPointer<Int32>, _ tile: WordTile) {
    for (word, number) in words.enumerated() {
      for (offset, row) in tile.rows(ofWord: word).enumerated() {
        let position = starts[Int(number)] + offset
        (logits.base + position * 256).update(from: tileLogits.row(row), count: 256)
        targets.base[position] = Float(tile.targets.base[row])
      }
    }
  }
}

extension FloatBuffer {
  fileprivate convenience init(copying matrix: MatrixView) {
    self.init(zeroed: matrix.rows * matrix.columns)
    MatrixView(base, rows: matrix.rows, columns: matrix.columns).copy(matrix)
  }
}
