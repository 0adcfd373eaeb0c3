import CZlib
import HATStorage

/// The content of a gzip file of one or more members.
final class GzipByteSource: ByteSource {
  private let source: any ByteSource
  private let place: String
  /// At one place in memory, for zlib remembers it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input = [UInt8](repeating: 0, count: 1 << 17)
  private var inputRange = 0..<0
  /// Whether bytes of a member have been read that has not ended.
  private var isInsideMember = false

  /// The gzip wrapper alone, not zlib's.
  private static let windowBits: Int32 = 15 + 16

  /// - Parameter place: the file, for errors.
  init(_ source: any ByteSource, place: String) {
    self.source = source
    self.place = place
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    precondition(inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size) == Z_OK, "zlib has memory")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  var bytesConsumed: Int { source.bytesConsumed }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      if try inputRange.isEmpty && !refill() {
        guard !isInsideMember else { throw damage("it ends inside its compressed data") }
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
    let room = min(buffer.count, Int(UInt32.max))
    let (status, unread, unused) = input.withUnsafeMutableBufferPointer { bytes in
      stream.pointee.next_in = bytes.baseAddress! + inputRange.lowerBound
      stream.pointee.avail_in = UInt32(inputRange.count)
      stream.pointee.next_out = buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      let status = inflate(stream, Z_NO_FLUSH)
      return (status, Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
    }
    inputRange = inputRange.upperBound - unread..<inputRange.upperBound
    switch status {
    case Z_OK, Z_BUF_ERROR: isInsideMember = true
    case Z_STREAM_END:
      isInsideMember = false
      inflateReset(stream)
    default:
      throw damage(
        "it is not valid gzip data (\(stream.pointee.msg.map { String(cString: $0) } ?? "damaged"))")
    }
    return room - unused
  }

  private func damage(_ problem: String) -> UserError {
    UserError(.invalidData, at: place, problem, hint: "Restore the file or compress it again.")
  }
}
