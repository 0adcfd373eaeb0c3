import HATKernels

/// What one core of this machine does in matrix products: the unit speed is measured in.
public enum MatrixProductRate {
  /// Floating-point operations a second of one thread on 1024 × 1024 × 1024, the best of a few tries.
  public static func measure() -> Double {
    let size = 1024
    let matrices = (0..<3).map { _ in
      MatrixView(UnsafeMutablePointer<Float>.allocate(capacity: size * size), rows: size, columns: size)
    }
    defer { for matrix in matrices { matrix.base.deallocate() } }
    for matrix in matrices { matrix.base.initialize(repeating: 0.5, count: size * size) }
    MatrixProduct.useOneThread()
    let clock = ContinuousClock()
    let fastest = (0..<5).map { _ in
      clock.measure { MatrixProduct.linear(matrices[0], weight: matrices[1], into: matrices[2]) }
    }.min()!
    return 2 * Double(size * size * size) / (fastest / .seconds(1))
  }
}
