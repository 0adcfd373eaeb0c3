import HATKernels
import HATText

/// Everything a batch gives, for another implementation to be checked against.
public struct GradientRecord {
  public let loss: LossSum
  /// [P, 256]
  let logits: FloatBuffer
  /// [P]
  let targets: FloatBuffer
  /// [layout.count], of the mean loss.
  let gradient: FloatBuffer
  private let meanLoss: FloatBuffer

  init(loss: LossSum, logits: FloatBuffer, targets: FloatBuffer, gradient: FloatBuffer) {
    self.loss = loss
    self.logits = logits
    self.targets = targets
    self.gradient = gradient
    meanLoss = FloatBuffer(zeroed: 1)
    meanLoss.base[0] = Float(loss.loss)
  }

  /// `loss`, `logits`, `targets` and `gradient.NAME` for each parameter; valid as long as this record.
  public func tensors(_ layout: ParameterLayout) -> [SafetensorsFile.Tensor] {
    let positions = loss.targetPositions
    return [
      SafetensorsFile.Tensor(name: "loss", shape: [1], data: UnsafeBufferPointer(meanLoss.elements)),
      SafetensorsFile.Tensor(
        name: "logits", shape: [positions, 256], data: UnsafeBufferPointer(logits.elements)),
      SafetensorsFile.Tensor(
        name: "targets", shape: [positions], data: UnsafeBufferPointer(targets.elements)),
    ] + ModelWeights.tensors(layout, gradient.base, prefix: "gradient.")
  }
}

extension HierarchicalTransformer {
  /// Loss, logits, targets and the gradient of the mean loss of a batch.
  public func record(of batch: Batch, parameters: UnsafePointer<Float>) -> GradientRecord {
    _ = loss(batch, parameters: parameters)
    let positions = rows.targets.count
    let logits = FloatBuffer(zeroed: positions * 256)
    MatrixView(logits.base, rows: positions, columns: 256).copy(self.logits)
    let targets = FloatBuffer(zeroed: positions)
    for position in 0..<positions { targets.base[position] = Float(rows.targets.base[position]) }

    let gradient = FloatBuffer(zeroed: layout.count)
    let sum = lossAndGradient(batch, parameters: parameters, gradient: gradient.base)
    for index in 0..<layout.count { gradient.base[index] /= Float(positions) }
    return GradientRecord(loss: sum, logits: logits, targets: targets, gradient: gradient)
  }
}
