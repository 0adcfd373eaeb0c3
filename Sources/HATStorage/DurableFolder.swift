import Glibc
import SystemPackage

/// Folders of files that are either whole or absent, whatever happens while they are written.
public enum DurableFolder {
  /// To be called before long work, whose result `write` could then not write.
  /// - Throws: `UserError` of kind `cannotWrite` for a folder that holds something, for what is no folder, or for a name in a
  ///   folder that is not there.
  public static func requireRoom(at path: FilePath) throws {
    var status = stat()
    guard lstat(path.string, &status) == 0 else {
      let folder = path.removingLastComponent()
      guard folder.isEmpty || DurableFile.isFolder(folder) else {
        throw FileFailure.writing(path, .noSuchFileOrDirectory)
      }
      return
    }
    guard (status.st_mode & S_IFMT) == S_IFDIR else {
      throw UserError(
        .cannotWrite, at: path.string, "this is not a folder", hint: "Name a folder that does not exist.")
    }
    guard try DurableFile.list(path).isEmpty else {
      throw UserError(
        .cannotWrite, at: path.string, "this folder holds files already",
        hint: "Name a folder that does not exist.")
    }
  }

  /// Lets `body` fill a folder under a temporary name, and gives it its name in one step. What an interrupted writer left is
  /// removed.
  /// - Parameter body: gets the folder; its files must be on the disk when it returns.
  /// - Throws: `UserError` of kind `cannotWrite`, also while another process writes the folder, and what `body` throws; there is
  ///   then no folder.
  public static func write(to path: FilePath, _ body: (FilePath) throws -> Void) throws {
    try requireRoom(at: path)
    let partial = FilePath(path.string + DurableFile.partialSuffix)
    guard mkdir(partial.string, 0o755) == 0 || errno == EEXIST else {
      throw FileFailure.writing(path, Errno(rawValue: errno))
    }
    let lock = try lock(partial.appending(lockName), of: partial)
    defer { close(lock) }
    do {
      try clear(partial)
      try body(partial)
      try DurableFile.synchronizeFolder(partial)
      try DurableFile.rename(partial, to: path)
    } catch {
      try? clear(partial)
      try? DurableFile.remove(partial)
      throw error
    }
    // Not before the folder has its name: without the file nothing keeps another process out. A lock file that is left
    // does no harm.
    try? DurableFile.remove(path.appending(lockName))
    try? DurableFile.synchronizeFolder(path)
  }

  private static let lockName = ".lock"

  /// Removes all but the lock.
  private static func clear(_ folder: FilePath) throws {
    for name in try DurableFile.list(folder) where name != lockName {
      try DurableFile.remove(folder.appending(name))
    }
  }

  /// - Returns: a descriptor that holds the lock until it is closed.
  private static func lock(_ file: FilePath, of folder: FilePath) throws -> Int32 {
    let descriptor = open(file.string, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw FileFailure.writing(folder, Errno(rawValue: errno)) }
    var holder = ""
    do {
      if try FileLock.take(descriptor, of: file) {
        // Else another process has just finished the folder.
        if FileLock.isStill(descriptor, at: file) { return descriptor }
      } else {
        holder = FileLock.holder(of: descriptor)
      }
    } catch {
      close(descriptor)
      throw error
    }
    close(descriptor)
    throw UserError(
      .cannotWrite, at: folder.string, "another process\(holder) is writing it",
      hint: "Wait until it ends, or name another folder.")
  }
}
