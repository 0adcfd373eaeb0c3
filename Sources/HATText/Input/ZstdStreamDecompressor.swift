import CZstd

/// Reads a stream of zstd frames, with memory bounded by zstd's default window limit of 128 MiB.
final class ZstdStreamDecompressor: StreamDecompressor {
  private let context = ZSTD_createDCtx()
  private var isInsideFrame = false

  deinit {
    ZSTD_freeDCtx(context)
  }

  var inputBytes: Int { ZSTD_DStreamInSize() }
  var openFrame: String? { isInsideFrame ? "a zstd frame" : nil }

  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionFailure) -> (read: Int, written: Int) {
    var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = ZSTD_decompressStream(context, &to, &from)
    guard ZSTD_isError(result) == 0 else {
      throw DecompressionFailure(
        problem: "it is not valid zstd data (\(String(cString: ZSTD_getErrorName(result))))")
    }
    isInsideFrame = result != 0
    return (from.pos, to.pos)
  }
}
