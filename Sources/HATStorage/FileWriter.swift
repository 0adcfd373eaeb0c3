import Glibc
import SystemPackage

/// A file being written from its start. What it holds is on the disk only after `synchronize()`.
public final class FileWriter {
  public let path: FilePath
  public private(set) var length = 0
  private let descriptor: FileDescriptor
  private var isOpen = true

  /// Creates the file, or empties it.
  /// - Throws: `UserError` of kind `cannotWrite`.
  public init(creating path: FilePath) throws {
    self.path = path
    do {
      descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch let error as Errno {
      throw FileFailure.writing(path, error)
    }
  }

  deinit {
    if isOpen { try? descriptor.close() }
  }

  /// - Throws: `UserError` of kind `cannotWrite`, which names a full disk as such.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    do {
      _ = try descriptor.writeAll(bytes)
      length += bytes.count
    } catch let error as Errno {
      throw FileFailure.writing(path, error, needed: bytes.count)
    }
  }

  public func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  /// Returns when the bytes are on the disk.
  public func synchronize() throws {
    guard fsync(descriptor.rawValue) == 0 else {
      throw FileFailure.writing(path, Errno(rawValue: errno))
    }
  }

  /// Closing again does nothing.
  /// - Throws: `UserError` of kind `cannotWrite`.
  public func close() throws {
    guard isOpen else { return }
    isOpen = false
    do {
      try descriptor.close()
    } catch let error as Errno {
      throw FileFailure.writing(path, error)
    }
  }
}
