import CSIMD
import Glibc

/// Cross-entropy of the softmax of logits [R, V] against one right class a row (model.md §5).
public enum SoftmaxCrossEntropy {
  /// - Parameters:
  ///   - logits: [R, V]
  ///   - targets: [R], class indices below V
  ///   - losses: [R], nats
  ///   - correct: [R], whether the arg-max is the target; of equal logits the lowest index wins
  public static func loss(
    _ logits: MatrixView, targets: UnsafePointer<Int32>, losses: FloatPointer,
    correct: UnsafeMutablePointer<Bool>
  ) {
    for row in 0..<logits.rows {
      let (values, target) = (logits.row(row), Int(targets[row]))
      precondition(target < logits.columns)
      let largest = SoftmaxRow.largest(values, count: logits.columns)
      let sum = SoftmaxRow.sumOfExponentials(values, count: logits.columns, minus: largest)
      losses[row] = logf(sum) - (values[target] - largest)
      correct[row] = isFirst(target, equalTo: largest, values)
    }
  }

  /// As `loss`, and overwrites the logits by the gradient of the row's loss, softmax - onehot(target).
  public static func lossAndGradient(
    _ logits: MatrixView, targets: UnsafePointer<Int32>, losses: FloatPointer,
    correct: UnsafeMutablePointer<Bool>, on registers: Registers = .widest
  ) {
    for row in 0..<logits.rows {
      let (values, target) = (logits.row(row), Int(targets[row]))
      precondition(target < logits.columns)
      let largest = SoftmaxRow.largest(values, count: logits.columns)
      let margin = values[target] - largest
      correct[row] = isFirst(target, equalTo: largest, values)
      let sum = SoftmaxRow.exponentiate(values, count: logits.columns, minus: largest, on: registers)
      losses[row] = logf(sum) - margin
      SoftmaxRow.scale(values, count: logits.columns, by: 1 / sum)
      values[target] -= 1
    }
  }

  private static func isFirst(
    _ index: Int, equalTo value: Float, _ values: UnsafePointer<Float>
  ) -> Bool {
    values[index] == value && !(0..<index).contains { values[$0] == value }
  }
}
