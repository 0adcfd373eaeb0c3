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
