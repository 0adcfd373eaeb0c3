import CZstd

/// Compresses single zstd frames that carry their content size.
final class ZstdCompressor {
  private let context: OpaquePointer
  private let level: Int32
  private var buffer: [UInt8] = []

  static let levels = 1...19

  init(level: Int) {
    precondition(Self.levels.contains(level))
    context = ZSTD_createCCtx()
    self.level = Int32(level)
  }

  deinit {
    ZSTD_freeCCtx(context)
  }

  func compress(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    let bound = ZSTD_compressBound(bytes.count)
    if buffer.count < bound { buffer = [UInt8](repeating: 0, count: bound) }
    let size = ZSTD_compressCCtx(context, &buffer, buffer.count, bytes, bytes.count, level)
    precondition(ZSTD_isError(size) == 0, "zstd cannot compress into a buffer of the size it asked for")
    return buffer[..<size]
  }
}

/// Decompresses single zstd frames whose size is known from elsewhere.
final class ZstdDecompressor {
  private let context: OpaquePointer

  init() {
    context = ZSTD_createDCtx()
  }

  deinit {
    ZSTD_freeDCtx(context)
  }

  /// - Throws: `FormatDamage` when the frame is not valid or does not hold exactly `count` bytes.
  func decompress(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
    guard ZSTD_getFrameContentSize(bytes, bytes.count) == UInt64(count) else {
      throw FormatDamage("a frame does not declare the \(count) bytes that the index promises")
    }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let size = ZSTD_decompressDCtx(context, buffer.baseAddress, count, bytes, bytes.count)
      guard ZSTD_isError(size) == 0 else {
        throw FormatDamage("a frame is not valid zstd data (\(String(cString: ZSTD_getErrorName(size))))")
      }
      guard size == count else { throw FormatDamage("a frame holds \(size) bytes, not \(count)") }
      initialized = size
    }
  }
}
