import CZstd
import HATStorage

/// The content of a stream of zstd frames, with memory bounded by zstd's default window limit of 128 MiB.
final class ZstdByteSource: ByteSource {
  private let source: any ByteSource
  private let place: String
  private let context: OpaquePointer
  private var input: [UInt8]
  private var inputRange = 0..<0
  private var isInsideFrame = false

  /// - Parameter place: the file, for errors.
  init(_ source: any ByteSource, place: String) {
    self.source = source
    self.place = place
    context = ZSTD_createDCtx()
    input = [UInt8](repeating: 0, count: ZSTD_DStreamInSize())
  }

  deinit {
    ZSTD_freeDCtx(context)
  }

  var bytesConsumed: Int { source.bytesConsumed }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      if try inputRange.isEmpty && !refill() {
        guard !isInsideFrame else { throw damage("it ends inside a zstd frame") }
        return 0
      }
      let written = try decompress(into: buffer)
      if written > 0 { return written }
    }
  }

  private func refill() throws -> Bool {
    let count = try input.withUnsafeMutableBytes { try source.read(into: $0) }
    inputRange = 0..<count
    return count > 0
  }

  private func decompress(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try input.withUnsafeBytes { bytes in
      var from = ZSTD_inBuffer(
        src: bytes.baseAddress, size: inputRange.upperBound, pos: inputRange.lowerBound)
      var to = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
      let result = ZSTD_decompressStream(context, &to, &from)
      guard ZSTD_isError(result) == 0 else {
        throw damage("it is not valid zstd data (\(String(cString: ZSTD_getErrorName(result))))")
      }
      isInsideFrame = result != 0
      inputRange = from.pos..<inputRange.upperBound
      return to.pos
    }
  }

  private func damage(_ problem: String) -> UserError {
    UserError(.invalidData, at: place, problem, hint: "Restore the file or compress it again.")
  }
}
