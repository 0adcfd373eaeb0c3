import HATKernels
import HATText

/// The whole model (model.md §3–5; paper §2): encoder, backbone, decoder and loss, forward and backward.
///
/// It owns the activations of one micro-batch in one arena planned at creation; parameters and gradients belong
/// to the caller, as flat buffers of `layout`. One instance serves one thread at a time.
///
/// Legend: W words, `d` byte width, `D` backbone width, V = 256.
public final class HierarchicalTransformer {
  public let model: ModelConfiguration
  public let layout: ParameterLayout
  public let capacity: BatchCapacity

  let rows: BatchRows
  let arena: FloatBuffer
  let encoder: TransformerStack
  let backbone: TransformerStack
  let decoder: TransformerStack
  let places: ModulePlaces
  /// [decoder rows]: whether the arg-max was right.
  let correct: UnsafeMutablePointer<Bool>

  /// - Parameter capacity: the largest batch there will be; it sizes the arena.
  public init(_ model: ModelConfiguration, capacity: BatchCapacity) {
    self.model = model
    self.capacity = capacity
    layout = ParameterLayout(model)
    rows = BatchRows(capacity: capacity)

    let plan = HierarchicalPlan(model, capacity: capacity)
    arena = FloatBuffer(zeroed: plan.floats)
    places = plan.places
    encoder = TransformerStack(
      plan.encoderUse, offsets: layout.encoder, workspace: plan.encoder, arena: arena)
    backbone = TransformerStack(
      plan.backboneUse, offsets: layout.backbone, workspace: plan.backbone, arena: arena)
    decoder = TransformerStack(
      plan.decoderUse, offsets: layout.decoder, workspace: plan.decoder, arena: arena)
    correct = .allocate(capacity: capacity.decoderRows)
    MatrixProduct.useOneThread()
  }

  deinit {
    correct.deallocate()
  }

  /// Floats of the arena such a model would own.
  public static func activationFloats(_ model: ModelConfiguration, capacity: BatchCapacity) -> Int {
    HierarchicalPlan(model, capacity: capacity).floats
  }

  /// The loss of a batch, and its gradient.
  /// - Parameters:
  ///   - parameters: [layout.count]
  ///   - gradient: [layout.count]; overwritten with the gradient of the *sum* over target positions: whoever
  ///     sums several batches divides by their global number of positions once (model.md §5).
  public func lossAndGradient(
    _ batch: Batch, parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> LossSum {
    forward(batch, parameters: parameters)
    SoftmaxCrossEntropy.lossAndGradient(
      logits, targets: rows.targets.base, losses: arena.base + places.losses, correct: correct)
    gradient.update(repeating: 0, count: layout.count)
    backward(parameters: parameters, gradient: gradient)
    return lossSum()
  }

  /// The loss of a batch.
  public func loss(_ batch: Batch, parameters: UnsafePointer<Float>) -> LossSum {
    forward(batch, parameters: parameters)
    SoftmaxCrossEntropy.loss(
      logits, targets: rows.targets.base, losses: arena.base + places.losses, correct: correct)
    return lossSum()
  }

  private func lossSum() -> LossSum {
    let losses = arena.base + places.losses
    var sum = LossSum()
    sum.targetPositions = rows.targets.count
    for position in 0..<rows.targets.count { sum.nats += Double(losses[position]) }
    for word in 0..<rows.words { count(rows.targetWords.rows(word), into: &sum) }
    return sum
  }

  private func count(_ positions: Range<Int>, into sum: inout LossSum) {
    if rows.targets.base[positions.lowerBound] == SpecialByte.document { return }
    let bytes = positions.dropLast()
    let correctBytes = bytes.count { correct[$0] }
    sum.textBytes += bytes.count
    sum.correctBytes += correctBytes
    sum.words += 1
    if correctBytes == bytes.count && correct[positions.upperBound - 1] { sum.correctWords += 1 }
  }
}

extension HierarchicalTransformer {
  /// [decoder rows, V] of the last batch; after `lossAndGradient` the loss's gradient by them.
  package var logits: MatrixView { view(places.logits, rows.targets.count) }
  /// [W, D], the word embeddings `e` of the last batch.
  package var wordEmbeddings: MatrixView { backbone.input(rows: rows.words) }
  /// [W, D], the backbone's predictive embeddings `h` of the last batch.
  package var predictiveEmbeddings: MatrixView { view(places.predictive, rows.words) }

  func view(_ place: MatrixPlace, _ rows: Int) -> MatrixView {
    MatrixView(arena.base + place.offset, rows: rows, columns: place.columns)
  }
}
