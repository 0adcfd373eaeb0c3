import HATKernels

/// What this machine does in matrix products of 1024 × 1024 × 1024: floating-point operations a second, the best of a few
/// tries.
public enum MatrixProductRate {
  private static let size = 1024

  /// Of OpenBLAS: the unit that speed is told in.
  public static func library(threads: Int = 1) -> Double {
    measure { matrices in
      LibraryProduct.square(matrices[0], matrices[1], into: matrices[2], size: size, threads: threads)
    }
  }

  /// Of the products that training is made of, with the right-hand side packed beforehand.
  public static func own(
    _ arithmetic: ProductArithmetic, _ pool: WorkerPool = WorkerPool(threads: 1)
  ) -> Double {
    let storage = FloatBuffer(zeroed: PackedMatrix.floats(columns: size, terms: size))
    return measure { matrices in
      let views = matrices.map { MatrixView($0, rows: size, columns: size) }
      let packed = LinearWeight(
        views[1].constant, packed: PackedMatrix(storage.base, columns: size, terms: size))
      pool.split(size, unit: 64, KernelWork.linear(views[0], packed, into: views[2], by: arithmetic))
    }
  }

  private static func measure(_ multiply: (_ matrices: [FloatPointer]) -> Void) -> Double {
    let matrices = (0..<3).map { _ in FloatBuffer(zeroed: size * size) }
    for matrix in matrices { matrix.base.update(repeating: 0.5, count: size * size) }
    let clock = ContinuousClock()
    let fastest = withExtendedLifetime(matrices) {
      (0..<7).map { _ in clock.measure { multiply(matrices.map(\.base)) } }.min()!
    }
    return 2 * Double(size * size * size) / (fastest / .seconds(1))
  }
}
