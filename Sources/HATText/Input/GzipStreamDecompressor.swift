import CZlib

/// Reads gzip data of one or more members.
final class GzipStreamDecompressor: StreamDecompressor {
  /// At one place in memory, for zlib remembers it.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Whether bytes of a member have been read that has not ended.
  private var isInsideMember = false

  /// The gzip wrapper alone, not zlib's.
  private static let windowBits: Int32 = 15 + 16

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    precondition(inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size) == Z_OK, "zlib has memory")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  var inputBytes: Int { 1 << 17 }
  var openFrame: String? { isInsideMember ? "its compressed data" : nil }

  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionFailure) -> (read: Int, written: Int) {
    let room = min(output.count, Int(UInt32.max))
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress!.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(input.count)
    stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(room)
    switch inflate(stream, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: isInsideMember = true
    case Z_STREAM_END:
      isInsideMember = false
      inflateReset(stream)
    default:
      let detail = stream.pointee.msg.map { String(cString: $0) } ?? "damaged"
      throw DecompressionFailure(problem: "it is not valid gzip data (\(detail))")
    }
    return (input.count - Int(stream.pointee.avail_in), room - Int(stream.pointee.avail_out))
  }
}
