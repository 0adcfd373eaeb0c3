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

  /// Creates the file, or empties it, and keeps other processes from doing the same until it is closed.
  /// - Throws: `UserError` of kind `cannotWrite`, also while another process writes the file.
  init(locking path: FilePath) throws {
    self.path = path
    var descriptor: Int32
    repeat {
      descriptor = open(path.string, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
      guard descriptor >= 0 else { throw FileFailure.writing(path, Errno(rawValue: errno)) }
      do {
        guard try FileLock.take(descriptor, of: path) else {
          throw UserError(
            .cannotWrite, at: path.string, "another process\(FileLock.holder(of: descriptor)) is writing it",
            hint: "Wait until it ends, or name another file.")
        }
      } catch {
        Glibc.close(descriptor)
        throw error
      }
    } while !Self.keep(descriptor, at: path)
    self.descriptor = FileDescriptor(rawValue: descriptor)
    guard ftruncate(descriptor, 0) == 0 else { throw FileFailure.writing(path, Errno(rawValue: errno)) }
  }

  /// Closes a file that no longer has its name.
  private static func keep(_ descriptor: Int32, at path: FilePath) -> Bool {
    let isStill = FileLock.isStill(descriptor, at: path)
    if !isStill { Glibc.close(descriptor) }
    return isStill
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
