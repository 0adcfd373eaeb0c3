import COpenBLAS

/// Matrix products by OpenBLAS: the yardstick for ours. The model does not use it.
public enum LibraryProduct {
  /// c[size, size] = a[size, size] · b[size, size] on so many threads.
  public static func square(
    _ a: FloatPointer, _ b: FloatPointer, into c: FloatPointer, size: Int, threads: Int
  ) {
    openblas_set_num_threads(Int32(threads))
    let count = Int32(size)
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, count, count, count, 1, a, count, b, count, 0, c, count)
  }
}
