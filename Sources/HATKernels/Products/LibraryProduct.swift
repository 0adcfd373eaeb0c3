import Glibc
import HATStorage

/// Matrix products by OpenBLAS: the yardstick that `benchmark train` measures in the same run and compares with.
///
/// No model uses them: the last rows of a matrix go through other kernels there, so a row's bits depend on how many rows
/// there are (docs/performance.md). The library is loaded only when it is asked for: it starts threads as it is loaded, and
/// each takes memory, for which it would ask without end where it is refused.
public struct LibraryProduct {
  /// `cblas_sgemm` (cblas.h of OpenBLAS 0.3): c[M, N] = alpha · a[M, K] · b[K, N] + beta · c.
  private typealias Product =
    @convention(c) (
      _ order: Int32, _ transposesA: Int32, _ transposesB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
      _ alpha: Float, _ a: UnsafePointer<Float>, _ rowA: Int32, _ b: UnsafePointer<Float>, _ rowB: Int32,
      _ beta: Float, _ c: FloatPointer, _ rowC: Int32
    ) -> Void

  private static let file = "libopenblas.so.0"
  private static let (rowMajor, noTranspose): (Int32, Int32) = (101, 111)
  /// Addresses that a thread takes: a buffer of 128 MiB (OpenBLAS 0.3 on x86-64), and a heap.
  private static let bytesPerThread = (128 << 20) + ThreadMemory.heapBytes

  private let product: Product

  /// Loads the library, with so many threads; a later call in the same process changes neither.
  /// - Throws: `UserError` of kind `missingInput` if it is not installed. Where there is no memory for its threads, the process
  ///   ends (`LargeMemory`).
  public init(threads: Int) throws {
    LargeMemory.requireRoom(byteCount: threads * (Self.bytesPerThread + ThreadMemory.stackBytes))
    setenv("OPENBLAS_NUM_THREADS", "\(threads)", 1)
    guard let library = dlopen(Self.file, RTLD_NOW | RTLD_LOCAL), let product = dlsym(library, "cblas_sgemm")
    else {
      throw UserError(
        .missingInput, at: Self.file,
        "it cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "no reason is known")",
        hint: "Install OpenBLAS (apt install libopenblas0).")
    }
    self.product = unsafeBitCast(product, to: Product.self)
  }

  /// c[size, size] = a[size, size] · b[size, size].
  public func square(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: FloatPointer, size: Int) {
    let count = Int32(size)
    product(
      Self.rowMajor, Self.noTranspose, Self.noTranspose, count, count, count, 1, a, count, b, count, 0, c,
      count)
  }
}
