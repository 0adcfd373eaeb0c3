import HATKernels

/// How tables of n-grams follow their gradient (docs/model.md §6): a row moves in the steps that touch it, and keeps one number.
///
///     v ← β₂ v + (1 − β₂) · mean(g²)                    over the row
///     row ← row − η · g / ( sqrt(v) + ε )
///
/// A step touches few rows. Two moments of every number, decaying in every step, would take more memory than the model and
/// more time than the rest of the update.
struct NgramTableRule: Sendable {
  private let beta2: Double
  private let epsilon: Double
  private let rates: LearningRateFactors

  init(_ training: TrainingConfiguration) {
    (beta2, epsilon, rates) = (training.beta2, training.epsilon, training.rates)
  }

  func applies(to tensor: Tensor) -> Bool { tensor.role == .ngramTable }

  func state(of tensor: Tensor) -> [StateTensor] { [StateTensor("row_second_moment", [tensor.shape[0]])] }

  /// - Parameter part: a whole table.
  func update(_ part: TensorPart, at step: OptimizerStep, with resources: UpdateResources) {
    let update = TableUpdate(
      part: part, rate: step.learningRate * rates.factor(of: part.tensor) * step.gradientScale,
      gradientScale: step.gradientScale, beta2: beta2, epsilon: epsilon)
    resources.workers.split(part.tensor.shape[0], unit: RowMarks.rowsOfWord, update)
  }
}

/// The update of some rows of a table. A row's result depends on the row alone.
private struct TableUpdate: PoolWork {
  let part: TensorPart
  /// With the scale of the gradient.
  let rate: Double
  let gradientScale: Double
  let beta2: Double
  let epsilon: Double

  func perform(_ rows: Range<Int>, part _: Int) {
    guard let marks = part.marks, let table = marks.tables.table(with: part.tensor.range) else {
      return rows.forEach(update)
    }
    marks.forEachTouchedRow(rows, of: table, update)
  }

  private func update(_ row: Int) {
    let columns = part.tensor.shape[1]
    let gradient = part.gradient + row * columns
    let squares = Vector.sumOfSquares(gradient, count: columns)
    // A marked row may be zero: by cancellation, or because another step has touched it.
    if squares == 0 { return }
    let mean = squares * gradientScale * gradientScale / Double(columns)
    let moment = Float(beta2 * Double(part.state[0][row]) + (1 - beta2) * mean)
    part.state[0][row] = moment
    Vector.combine(
      part.parameters.base + row * columns, factor: 1, other: gradient,
      otherFactor: Float(-rate / (Double(moment).squareRoot() + epsilon)), count: columns)
  }
}
