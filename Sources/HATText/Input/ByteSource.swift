import CZlib
import CZstd
import Glibc
import HATStorage
import SystemPackage

/// Bytes that come one after the other.
protocol ByteSource: AnyObject {
  /// Fills some of `buffer`, and says how much; 0 only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
  /// Bytes taken from the disk so far, for showing progress.
  var bytesConsumed: Int { get }
}

/// A file from some offset to its end.
final class FileByteSource: ByteSource {
  private let file: FileReader
  private var offset: Int
  private(set) var bytesConsumed = 0

  init(opening path: FilePath, from offset: Int = 0) throws {
    file = try FileReader(opening: path)
    self.offset = offset
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = max(0, min(buffer.count, file.length - offset))
    try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    offset += count
    bytesConsumed += count
    return count
  }
}

final class StandardInputSource: ByteSource {
  private(set) var bytesConsumed = 0

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    do {
      let count = try FileDescriptor.standardInput.read(into: buffer)
      bytesConsumed += count
      return count
    } catch {
      throw UserError(
        .missingInput, at: "standard input", "it cannot be read: \(error)",
        hint: "Check what is connected to it.")
    }
  }
}

/// Turns compressed bytes into their content, some at a time.
protocol StreamDecompressor: AnyObject {
  /// What is left open when the data ends now, such as "a zstd frame"; nil between frames.
  var openFrame: String? { get }

  /// Reads some of `input`, or writes some of `output`, or both. The last byte of a frame is read only when all of its
  /// content is written.
  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(FormatDamage) -> (read: Int, written: Int)
}

/// The content of a compressed source.
final class DecompressedSource: ByteSource {
  private let source: any ByteSource
  private let decompressor: any StreamDecompressor
  private let place: String
  private var input = [UInt8](repeating: 0, count: 1 << 17)
  private var unread = 0..<0

  /// - Parameter place: the file, for errors.
  init(_ source: any ByteSource, by decompressor: any StreamDecompressor, place: String) {
    (self.source, self.decompressor, self.place) = (source, decompressor, place)
  }

  var bytesConsumed: Int { source.bytesConsumed }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      if try unread.isEmpty && !refill() {
        guard let frame = decompressor.openFrame else { return 0 }
        throw error("it ends inside \(frame)")
      }
      let written = try decompress(into: buffer)
      if written > 0 { return written }
    }
  }

  private func refill() throws -> Bool {
    unread = 0..<(try input.withUnsafeMutableBytes { try source.read(into: $0) })
    return !unread.isEmpty
  }

  private func decompress(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    do {
      let (read, written) = try input.withUnsafeBytes { bytes throws(FormatDamage) in
        try decompressor.decompress(UnsafeRawBufferPointer(rebasing: bytes[unread]), into: buffer)
      }
      unread = unread.dropFirst(read)
      return written
    } catch let damage as FormatDamage {
      throw error(damage.problem, hint: damage.hint)
    }
  }

  private func error(_ problem: String, hint: String? = nil) -> UserError {
    UserError(.invalidData, at: place, problem, hint: hint ?? "Restore the file or compress it again.")
  }
}

/// Reads gzip data of one or more members.
final class GzipStreamDecompressor: StreamDecompressor {
  /// Allocated, because zlib keeps its address.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Whether a member has begun and not ended.
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

  var openFrame: String? { isInsideMember ? "its compressed data" : nil }

  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(FormatDamage) -> (read: Int, written: Int) {
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
      throw FormatDamage("it is not valid gzip data (\(detail))")
    }
    return (input.count - Int(stream.pointee.avail_in), room - Int(stream.pointee.avail_out))
  }
}

/// Reads a stream of zstd frames, with memory bounded by zstd's default window limit of 128 MiB.
final class ZstdStreamDecompressor: StreamDecompressor {
  private let context = ZSTD_createDCtx()
  private var isInsideFrame = false

  private static let largestWindow = 1 << 27

  deinit {
    ZSTD_freeDCtx(context)
  }

  var openFrame: String? { isInsideFrame ? "a zstd frame" : nil }

  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(FormatDamage) -> (read: Int, written: Int) {
    var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = ZSTD_decompressStream(context, &to, &from)
    guard ZSTD_isError(result) == 0 else { throw Self.damage(result) }
    isInsideFrame = result != 0
    return (from.pos, to.pos)
  }

  /// Where there is no memory, the process ends.
  private static func damage(_ result: Int) -> FormatDamage {
    switch ZSTD_getErrorCode(result) {
    case ZSTD_error_frameParameter_windowTooLarge:
      FormatDamage(
        "it was compressed with a window of more than \(largestWindow >> 20) MiB",
        hint: "Compress it again without --long, or with --long=27.")
    case ZSTD_error_memory_allocation: LargeMemory.refuse(largestWindow)
    default: FormatDamage("it is not valid zstd data (\(String(cString: ZSTD_getErrorName(result))))")
    }
  }
}
