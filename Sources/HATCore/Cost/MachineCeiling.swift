import HATKernels

/// The most a kernel can reach on this machine: what its rates are held against.
public struct MachineCeiling: Sendable, Encodable {
  /// Floating-point operations a second of products of 1024 × 1024 × 1024, OpenBLAS' or ours, whichever are faster.
  public let flopsPerSecond: Double
  /// Bytes read and written a second by a sum of vectors that lie in a core's second-level cache.
  public let cacheBytesPerSecond: Double
  /// The same of vectors too long for a core's caches.
  public let memoryBytesPerSecond: Double

  /// As large as what a kernel touches of a tile of words.
  private static let cachedFloats = 1 << 14
  private static let longFloats = 1 << 23

  /// - Parameters:
  ///   - library: what OpenBLAS has reached.
  ///   - arithmetic: of our products.
  public static func measure(
    threads: Int, library: Double, arithmetic: ProductArithmetic
  ) -> MachineCeiling {
    let pool = WorkerPool(threads: threads)
    return MachineCeiling(
      flopsPerSecond: max(library, MatrixProductRate.own(arithmetic, pool)),
      cacheBytesPerSecond: sums(of: cachedFloats * threads, rounds: 2_000, pool),
      memoryBytesPerSecond: sums(of: longFloats, rounds: 1, pool))
  }

  /// For arithmetic that of products, for what moves the rows of tiles that of the cache, and for what moves the
  /// backbone's rows that of memory.
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

  /// Seconds of the best of a few tries.
  private static func fastest(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    return (0..<7).map { _ in clock.measure(body) / .seconds(1) }.min()!
  }
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
