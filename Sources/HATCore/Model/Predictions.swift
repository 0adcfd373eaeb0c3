import HATKernels
import HATStorage
import HATText

/// What a model predicts for a batch; zeros for target words that do not count. Legend: P target positions, W input words.
package final class Predictions {
  package internal(set) var loss = LossSum()
  /// [P, 256]
  package let logits: FloatBuffer
  /// [P]
  package let targets: FloatBuffer
  /// [P], nats.
  private(set) var losses: [Float]
  /// [P], whether the arg-max was right.
  private(set) var isRight: [Bool]
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
          starts.last! + (batch.isMark(word) ? 1 : batch.byteRange(ofWord: word).count + 1))
      }
    }
    self.starts = starts
    logits = FloatBuffer(zeroed: starts.last! * 256)
    targets = FloatBuffer(zeroed: starts.last!)
    losses = Array(repeating: 0, count: starts.last!)
    isRight = Array(repeating: false, count: starts.last!)
    wordEmbeddings = FloatBuffer(copying: embeddings)
    predictiveEmbeddings = FloatBuffer(copying: predictive)
  }

  /// Copies a tile's results to the places of its words in the batch.
  func take(
    _ tileLogits: MatrixView, of words: UnsafeBufferPointer<Int32>, _ list: TargetWords, _ tile: WordTile
  ) {
    for (word, number) in words.enumerated() {
      let start = starts[Int(list.predictiveRows.base[Int(number)])]
      for (offset, row) in tile.rows(ofWord: word).enumerated() {
        let position = start + offset
        (logits.base + position * 256).update(from: tileLogits.row(row), count: 256)
        targets.base[position] = Float(tile.targets.base[row])
        losses[position] = tile.losses.base[row]
        isRight[position] = tile.correct.base[row]
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

/// Everything a batch gives, to check another implementation against.
public struct GradientRecord {
  public let loss: LossSum
  private let predictions: Predictions
  /// [table.count], of the mean loss.
  private let gradient: FloatBuffer
  private let meanLoss: FloatBuffer

  fileprivate init(_ predictions: Predictions, gradient: FloatBuffer) {
    loss = predictions.loss
    self.predictions = predictions
    self.gradient = gradient
    meanLoss = FloatBuffer(zeroed: 1)
    meanLoss.base[0] = Float(loss.loss)
  }

  /// `loss`, `logits`, `targets` and `gradient.NAME` for each parameter; valid as long as this record.
  public func tensors(_ table: TensorTable) -> [SafetensorsFile.Tensor] {
    let positions = loss.targetPositions
    return [
      tensor("loss", [1], meanLoss), tensor("logits", [positions, 256], predictions.logits),
      tensor("targets", [positions], predictions.targets),
    ]
      + table.tensors.map {
        SafetensorsFile.Tensor(
          name: "gradient.\($0.name)", shape: $0.shape,
          data: UnsafeBufferPointer(rebasing: gradient.elements[$0.range]))
      }
  }

  private func tensor(_ name: String, _ shape: [Int], _ buffer: FloatBuffer) -> SafetensorsFile.Tensor {
    SafetensorsFile.Tensor(name: name, shape: shape, data: UnsafeBufferPointer(buffer.elements))
  }
}

extension HierarchicalTransformer {
  /// Loss, logits, targets and the gradient of the mean loss of a batch.
  /// - Precondition: all its words count, and it has no preference pairs.
  /// - Throws: `UserError` of kind `invalidData` where they are not finite.
  public func record(of batch: Batch, _ weights: ModelWeights) throws -> GradientRecord {
    let predictions = predictions(batch, weights)
    let gradient = FloatBuffer(zeroed: table.count)
    let sum = lossAndGradient(batch, FlatMemory(weights, gradient: gradient))
    for index in 0..<table.count { gradient.base[index] /= Float(sum.targetPositions) }
    guard sum.loss.isFinite,
      [gradient, predictions.logits].allSatisfy({ Vector.allFinite($0.base, count: $0.count) })
    else { throw UserError.notFinite("loss and gradients") }
    return GradientRecord(predictions, gradient: gradient)
  }
}
