import HATKernels

/// The most a kernel can reach on this machine, to compare its rates with.
public struct MachineCeiling: Sendable, Encodable {
  /// Floating-point operations a second of products of 1024 × 1024 × 1024, OpenBLAS' or ours, whichever are faster.
  public let flopsPerSecond: Double
  /// Bytes read and written a second by a sum of vectors in a core's second-level cache.
  public let cacheBytesPerSecond: Double
  /// The same for vectors too long for a core's caches.
  public let memoryBytesPerSecond: Double

  /// As large as what a kernel touches of a tile of words.
  private static let cachedFloats = 1 << 14
  private static let longFloats = 1 << 23

  /// - Parameters:
  ///   - library: what OpenBLAS has reached.
  ///   - arithmetic: of our products.
  public static func measure(threads: Int, library: Double, arithmetic: ProductArithmetic) -> MachineCeiling {
    let pool = WorkerPool(threads: threads)
    return MachineCeiling(
      flopsPerSecond: max(library, MatrixProductRate.own(arithmetic, pool)),
      cacheBytesPerSecond: sums(of: cachedFloats * threads, rounds: 2_000, pool),
      memoryBytesPerSecond: sums(of: longFloats, rounds: 1, pool))
  }

  /// The ceiling of a kernel: for arithmetic the rate of products, for work on the rows of tiles that of the cache, for
  /// work on the backbone's rows that of memory.
  public func rate(for entry: StepProfile.Entry) -> Double {
    if entry.kernel.isArithmetic { return flopsPerSecond }
    switch entry.phase {
    case .encoderForward, .decoder, .encoderBackward: return cacheBytesPerSecond
    case .backboneForward, .backboneBackward: return memoryBytesPerSecond
    }
  }

  private static func sums(of count: Int, rounds: Int, _ pool: WorkerPool) -> Double {
    let vectors = (0..<3).map { _ in FloatBuffer(zeroed: count) }
    let work = VectorSum(a: vectors[0].base, b: vectors[1].base, sum: vectors[2].base, rounds: rounds)
    let seconds = withExtendedLifetime(vectors) { fastest { pool.split(count, unit: 1024, work) } }
    return Double(vectors.count * count * MemoryLayout<Float>.stride * rounds) / seconds
  }
}

/// Seconds of the best of a few tries.
private func fastest(_ body: () -> Void) -> Double {
  let clock = ContinuousClock()
  return (0..<7).map { _ in clock.measure(body) / .seconds(1) }.min()!
}

private struct VectorSum: PoolWork {
  let a, b: UnsafePointer<Float>
  let sum: FloatPointer
  let rounds: Int

  func perform(_ range: Range<Int>, part: Int) {
    let start = range.lowerBound
    for _ in 0..<rounds { Vector.sum(a + start, b + start, into: sum + start, count: range.count) }
  }
}

/// Floating-point operations a second of this machine in matrix products of 1024 × 1024 × 1024, the best of a few tries.
public enum MatrixProductRate {
  private static let size = 1024

  /// Of OpenBLAS: the unit of speed in reports.
  public static func library(_ library: LibraryProduct) -> Double {
    measure { library.square($0[0], $0[1], into: $0[2], size: size) }
  }

  /// Of the products that training uses, with the right-hand side packed before.
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
    let seconds = withExtendedLifetime(matrices) { fastest { multiply(matrices.map(\.base)) } }
    return 2 * Double(size * size * size) / seconds
  }
}
