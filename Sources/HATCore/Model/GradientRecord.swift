import HATKernels
import HATText

/// Everything a batch gives, for another implementation to be checked against.
public struct GradientRecord {
  public let loss: LossSum
  private let predictions: Predictions
  /// [layout.count], of the mean loss.
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
  public func tensors(_ layout: ParameterLayout) -> [SafetensorsFile.Tensor] {
    let positions = loss.targetPositions
    return [
      tensor("loss", [1], meanLoss), tensor("logits", [positions, 256], predictions.logits),
      tensor("targets", [positions], predictions.targets),
    ] + ModelWeights.tensors(layout, gradient.base, prefix: "gradient.")
  }

  private func tensor(_ name: String, _ shape: [Int], _ buffer: FloatBuffer) -> SafetensorsFile.Tensor {
    SafetensorsFile.Tensor(name: name, shape: shape, data: UnsafeBufferPointer(buffer.elements))
  }
}

extension HierarchicalTransformer {
  /// Loss, logits, targets and the gradient of the mean loss of a batch.
  public func record(of batch: Batch, parameters: UnsafePointer<Float>) -> GradientRecord {
    let predictions = predictions(batch, parameters: parameters)
    let gradient = FloatBuffer(zeroed: layout.count)
    let sum = lossAndGradient(batch, parameters: parameters, gradient: gradient.base)
    for index in 0..<layout.count { gradient.base[index] /= Float(sum.targetPositions) }
    return GradientRecord(predictions, gradient: gradient)
  }
}
