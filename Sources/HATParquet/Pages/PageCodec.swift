import CSnappy
import CZlib
import CZstd

/// Decompresses pages.
final class PageCodec {
  private enum Method {
    case none, snappy, gzip, zstd
  }

  private let method: Method
  private var zstd: OpaquePointer?
  /// Allocated, because zlib keeps its address.
  private var gzip: UnsafeMutablePointer<z_stream>?

  private static let names = [3: "LZO", 4: "BROTLI", 5: "LZ4", 7: "LZ4_RAW"]

  /// - Parameter codec: its number in parquet.thrift.
  init(_ codec: Int) throws(ParquetFault) {
    switch codec {
    case 0: method = .none
    case 1: method = .snappy
    case 2:
      method = .gzip
      gzip = Self.makeGzipStream()
    case 6:
      method = .zstd
      zstd = ZSTD_createDCtx()
    default:
      throw .unsupported(
        "its text is compressed with \(Self.names[codec] ?? "codec number \(codec)"), which is not read",
        instead: "Write the file with snappy, zstd, gzip or no compression.")
    }
  }

  deinit {
    ZSTD_freeDCtx(zstd)
    if let gzip {
      inflateEnd(gzip)
      gzip.deallocate()
    }
  }

  private static func makeGzipStream() -> UnsafeMutablePointer<z_stream> {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    // Of gzip, or of zlib, as some writers have it.
    precondition(inflateInit2_(stream, 15 + 32, ZLIB_VERSION, size) == Z_OK, "zlib has memory")
    return stream
  }

  /// The content of `input`: where it lies, or decompressed into `buffer`.
  /// - Parameter count: the bytes that the page declares, at most `ParquetLimits.page`.
  func content(
    of input: UnsafeRawBufferPointer, count: Int, in buffer: PageBuffer
  ) throws(ParquetFault) -> UnsafeRawBufferPointer {
    if method == .none {
      guard input.count == count else { throw .damaged("a page that is not compressed has two sizes") }
      return input
    }
    if count == 0 { return UnsafeRawBufferPointer(start: nil, count: 0) }
    guard let start = input.baseAddress else { throw Self.fault("a page") }
    switch method {
    case .snappy: try decompressSnappy(start, input.count, count, buffer)
    case .zstd: try decompressZstd(start, input.count, count, buffer)
    default: try inflateMembers(start, input.count, count, buffer)
    }
    return UnsafeRawBufferPointer(start: buffer.base, count: count)
  }

  private static func fault(_ name: String) -> ParquetFault {
    .damaged("\(name) cannot be decompressed to the size it declares")
  }

  private func decompressSnappy(
    _ input: UnsafeRawPointer, _ inputCount: Int, _ count: Int, _ buffer: PageBuffer
  ) throws(ParquetFault) {
    let input = input.assumingMemoryBound(to: CChar.self)
    var declared = 0
    guard snappy_uncompressed_length(input, inputCount, &declared) == SNAPPY_OK, declared == count else {
      throw Self.fault("a snappy page")
    }
    buffer.makeRoom(count)
    let output = buffer.base.assumingMemoryBound(to: CChar.self)
    var written = count
    guard snappy_uncompress(input, inputCount, output, &written) == SNAPPY_OK, written == count else {
      throw Self.fault("a snappy page")
    }
  }

  private func decompressZstd(
    _ input: UnsafeRawPointer, _ inputCount: Int, _ count: Int, _ buffer: PageBuffer
  ) throws(ParquetFault) {
    let declared = ZSTD_getFrameContentSize(input, inputCount)
    guard declared <= UInt64(count) || declared == UInt64.max else { throw Self.fault("a zstd page") }
    buffer.makeRoom(count)
    guard ZSTD_decompressDCtx(zstd, buffer.base, count, input, inputCount) == count else {
      throw Self.fault("a zstd page")
    }
  }

  private func inflateMembers(
    _ input: UnsafeRawPointer, _ inputCount: Int, _ count: Int, _ buffer: PageBuffer
  ) throws(ParquetFault) {
    // Deflate makes at most 1032 bytes of one.
    guard count / 1032 <= inputCount else { throw Self.fault("a gzip page") }
    buffer.makeRoom(count)
    let stream = gzip!
    inflateReset(stream)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(inputCount)
    stream.pointee.next_out = buffer.base.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(count)
    while inflate(stream, Z_FINISH) == Z_STREAM_END {
      if stream.pointee.avail_out == 0 && stream.pointee.avail_in == 0 { return }
      guard stream.pointee.avail_in > 0, inflateReset(stream) == Z_OK else { break }
    }
    throw Self.fault("a gzip page")
  }
}
