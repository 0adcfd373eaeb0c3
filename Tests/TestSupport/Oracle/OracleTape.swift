/// Reverse-mode differentiation over small matrices in double precision.
///
/// Every operation computes its value at once and notes how to hand its gradient on to its inputs;
/// `propagate` plays the notes backward. It is written to be read, not to be fast, and shares nothing with
/// the kernels it is there to judge.
public final class OracleTape {
  private var backwardSteps: [() -> Void] = []

  public init() {}

  /// Adds to every tensor's gradient that of Σ seed ⊙ output.
  public func propagate(from output: OracleTensor, seed: [Double]) {
    precondition(seed.count == output.value.count)
    output.gradient = seed
    for step in backwardSteps.reversed() { step() }
  }

  func record(
    rows: Int, columns: Int, _ value: [Double], backward: @escaping (OracleTensor) -> Void
  ) -> OracleTensor {
    let output = OracleTensor(rows: rows, columns: columns, value)
    backwardSteps.append { backward(output) }
    return output
  }
}
