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
  func update(_ part: TensorPart, at step: OptimizerStep) {
    let columns = part.tensor.shape[1]
    let rate = step.learningRate * rates.factor(of: part.tensor) * step.gradientScale
    part.forEachTouchedRow { row in
      let gradient = part.gradient + row * columns
      let squares = Vector.sumOfSquares(gradient, count: columns)
      // A marked row may be zero: by cancellation, or because another step has touched it.
      if squares == 0 { return }
      let mean = squares * step.gradientScale * step.gradientScale / Double(columns)
      let moment = Float(beta2 * Double(part.state[0][row]) + (1 - beta2) * mean)
      part.state[0][row] = moment
      Vector.combine(
        part.parameters.base + row * columns, factor: 1, other: gradient,
        otherFactor: Float(-rate / (Double(moment).squareRoot() + epsilon)), count: columns)
    }
  }
}

extension TensorPart {
  /// Calls `body` with each row that the gradient may have touched.
  fileprivate func forEachTouchedRow(_ body: (_ row: Int) -> Void) {
    guard let marks, let table = marks.tables.tables.first(where: { $0.floats == tensor.range }) else {
      for row in 0..<tensor.shape[0] { body(row) }
      return
    }
    for word in table.words {
      table.forEachRow(marks.words[word], ofWord: word) { floats in
        body((floats.lowerBound - tensor.range.lowerBound) / tensor.shape[1])
      }
    }
  }
}
