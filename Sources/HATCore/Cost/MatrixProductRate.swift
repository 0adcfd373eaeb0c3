import HATKernels

/// What this machine does in a library's matrix products: the unit speed is measured in.
public enum MatrixProductRate {
  /// Floating-point operations a second of OpenBLAS on 1024 × 1024 × 1024, the best of a few tries.
  public static func measure(threads: Int = 1) -> Double {
    let size = 1024
    let matrices = (0..<3).map { _ in FloatBuffer(zeroed: size * size) }
    for matrix in matrices { matrix.base.update(repeating: 0.5, count: size * size) }
    let clock = ContinuousClock()
    let fastest = (0..<5).map { _ in
      clock.measure {
        LibraryProduct.square(
          matrices[0].base, matrices[1].base, into: matrices[2].base, size: size, threads: threads)
      }
    }.min()!
    return 2 * Double(size * size * size) / (fastest / .seconds(1))
  }
}
