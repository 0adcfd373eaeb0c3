import Glibc
import SystemPackage

/// A file read at any offset. It reads, rather than maps, so that a file cut short under way is an
/// error and not a signal.
public final class FileReader {
  public let path: FilePath
  /// In bytes, when the file was opened.
  public let length: Int
  private let descriptor: FileDescriptor

  /// - Throws: `UserError` of kind `missingInput`, also for a folder, a pipe or a device.
  public init(opening path: FilePath) throws {
    self.path = path
    do {
      // Else a pipe that nobody writes to would block here.
      descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch let error as Errno {
      throw FileFailure.reading(path, error)
    }
    do {
      length = try Self.length(descriptor, path)
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  private static func length(_ descriptor: FileDescriptor, _ path: FilePath) throws -> Int {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      throw FileFailure.reading(path, Errno(rawValue: errno))
    }
    try FileFailure.requireFile(status.st_mode, path)
    return Int(status.st_size)
  }

  deinit {
    try? descriptor.close()
  }

  func withDescriptor<Result>(_ body: (Int32) -> Result) -> Result { body(descriptor.rawValue) }

  /// Fills `buffer` with the bytes at `offset`.
  /// - Throws: `UserError`: `invalidData` when the file ends before the buffer is full.
  public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count: Int
      do {
        count = try descriptor.read(fromAbsoluteOffset: Int64(offset + done), into: rest)
      } catch let error as Errno {
        throw FileFailure.reading(path, error)
      }
      guard count > 0 else {
        throw UserError(
          .invalidData, at: path.string,
          "the file ends at byte \(offset + done) where \(buffer.count - done) more bytes were expected",
          hint: "It was cut short: restore it or make it again.")
      }
      done += count
    }
  }

  public func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
      initialized = count
    }
  }
}
