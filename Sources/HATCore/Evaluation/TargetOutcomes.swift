import HATKernels
import HATText

/// How well each target position of a batch was predicted: the bytes of its first target word, then its `[W]`, then
/// those of the next. Legend: P target positions.
struct TargetOutcomes {
  /// [P], nats.
  let losses: [Float]
  /// [P], whether the arg-max was right.
  let isRight: [Bool]

  init(_ batch: Batch, model: HierarchicalTransformer, parameters: UnsafePointer<Float>) {
    let predictions = model.predictions(batch, parameters: parameters)
    let targets = predictions.targets.elements.map { Int32($0) }
    var losses = [Float](repeating: 0, count: targets.count)
    var isRight = [Bool](repeating: false, count: targets.count)
    withExtendedLifetime(predictions) {
      SoftmaxCrossEntropy.loss(
        MatrixView(predictions.logits.base, rows: targets.count, columns: 256), targets: targets,
        losses: &losses, correct: &isRight)
    }
    (self.losses, self.isRight) = (losses, isRight)
  }
}
