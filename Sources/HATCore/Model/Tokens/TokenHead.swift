import HATKernels
import HATText

/// The baseline's closing matrix and loss: logits = head · h of each token, and the cross-entropy of the next.
///
/// Runs over a tile of rows at a time, forward, loss and backward in one visit: the logits of a micro-batch never
/// exist at once. Legend: T tokens, `D` width, V vocabulary.
final class TokenHead {
  /// Rows of a tile: enough for the products to reach their speed, few enough for the logits to stay in cache.
  private static let tileRows = 128

  private let layout: SubwordLayout
  private let model: ModelConfiguration
  private let arena: Arena
  private let kernels: ModelKernels
  /// [tile rows, V]
  private let logits: ArenaMatrix
  private let packedHead: ArenaPlace
  /// [T]: nats, and whether the arg-max was right, of the last batch.
  private let losses: FixedList<Float>
  private let correct: FixedList<Bool>

  init(
    _ model: ModelConfiguration, layout: SubwordLayout, tokens: Int, arena: Arena, kernels: ModelKernels
  ) {
    (self.model, self.layout, self.arena, self.kernels) = (model, layout, arena, kernels)
    logits = arena.reserve(rows: Self.tileRows, columns: model.vocabulary)
    packedHead = arena.reserve(PackedMatrix.floats(columns: model.vocabulary, terms: model.width))
    losses = FixedList(capacity: tokens)
    correct = FixedList(capacity: tokens)
  }

  /// - Parameter predictive: [T, D], h.
  func loss(_ batch: TokenBatch, predictive: MatrixView, parameters: some ModelParameters) -> LossSum {
    forEachTile(batch, predictive, parameters) { _, tile in kernels.loss(tile) }
    return sum(batch)
  }

  /// - Parameters:
  ///   - predictive: [T, D], h.
  ///   - predictiveGradient: [T, D], overwritten.
  ///   - memory: to whose gradients this adds.
  func lossAndGradient(
    _ batch: TokenBatch, predictive: MatrixView, predictiveGradient: MatrixView, memory: some ModelMemory
  ) -> LossSum {
    let weight = head(FloatPointer(mutating: memory.backParameters))
    let gradient = head(memory.backGradient)
    forEachTile(batch, predictive, memory) { rows, tile in
      kernels.lossAndGradient(tile)
      kernels.addWeightGradient(tile.logits, input: predictive.rows(rows), to: gradient)
      kernels.inputGradient(tile.logits, weight: weight, into: predictiveGradient.rows(rows))
    }
    return sum(batch)
  }

  /// Nats of each target of the last batch, and whether its arg-max was right. [T]
  var outcomes: (losses: UnsafeBufferPointer<Float>, isRight: UnsafeBufferPointer<Bool>) {
    (
      UnsafeBufferPointer(start: losses.base, count: losses.count),
      UnsafeBufferPointer(start: correct.base, count: correct.count)
    )
  }

  /// [V], of one row of h; valid until the next call.
  func logits(predictive: MatrixView, _ parameters: some ModelParameters) -> UnsafeBufferPointer<Float> {
    let logits = arena.view(logits, rows: 1)
    kernels.linear(
      predictive, weight: head(FloatPointer(mutating: parameters.backParameters)), into: logits)
    return UnsafeBufferPointer(start: logits.base, count: model.vocabulary)
  }

  /// Computes the logits of a tile and calls `body`, tile by tile.
  private func forEachTile(
    _ batch: TokenBatch, _ predictive: MatrixView, _ parameters: some ModelParameters,
    _ body: (_ rows: Range<Int>, _ tile: LossRows) -> Void
  ) {
    losses.refill(count: batch.tokenCount, with: 0)
    correct.refill(count: batch.tokenCount, with: false)
    let head = head(FloatPointer(mutating: parameters.backParameters))
    let packed = PackedMatrix(arena.floats(packedHead), columns: model.vocabulary, terms: model.width)
    kernels.rows(head) { _ = PackedMatrix(transposing: head.constant, into: arena.floats(packedHead)) }
    batch.targets.withUnsafeBufferPointer { targets in
      for start in stride(from: 0, to: batch.tokenCount, by: Self.tileRows) {
        let rows = start..<min(start + Self.tileRows, batch.tokenCount)
        let logits = arena.view(logits, rows: rows.count)
        kernels.linear(
          predictive.rows(rows), weight: LinearWeight(head.constant, packed: packed), into: logits)
        body(
          rows,
          LossRows(
            logits: logits, targets: targets.baseAddress! + start, losses: losses.base + start,
            correct: correct.base + start))
      }
    }
  }

  /// [V, D] in a buffer of the layout.
  private func head(_ buffer: FloatPointer) -> MatrixView {
    MatrixView(buffer + layout.head, rows: model.vocabulary, columns: model.width)
  }

  private func sum(_ batch: TokenBatch) -> LossSum {
    var sum = LossSum()
    sum.targetPositions = batch.tokenCount
    for token in 0..<batch.tokenCount { sum.nats += Double(losses.base[token]) }
    sum.textBytes = batch.textBytes
    sum.words = batch.words.count
    for word in batch.words where word.allSatisfy({ correct.base[Int($0)] }) { sum.correctWords += 1 }
    return sum
  }
}
