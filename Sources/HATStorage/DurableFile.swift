import Glibc
import SystemPackage

/// Files and folders that are either whole or absent, whatever happens while they are written.
public enum DurableFile {
  /// The suffix of a name that is not yet valid.
  public static let partialSuffix = ".partial"

  /// Writes a whole file under a temporary name, flushes it, and gives it its name in one step.
  ///
  /// A link is followed: what it leads to is replaced. A folder, a pipe or a device is not.
  /// - Throws: `UserError` of kind `cannotWrite`, also while another process writes the file, and what `body` throws; an
  ///   older file of that name is then untouched.
  public static func write(to path: FilePath, _ body: (FileWriter) throws -> Void) throws {
    let target = try replaceable(path)
    let writer = try FileWriter(locking: FilePath(target.string + partialSuffix))
    do {
      try body(writer)
      try writer.synchronize()
      // The lock is kept until the file has its name.
      try rename(writer.path, to: target)
      try writer.close()
    } catch {
      try? remove(writer.path)
      throw error
    }
  }

  public static func write(_ bytes: [UInt8], to path: FilePath) throws {
    try write(to: path) { try $0.write(bytes) }
  }

  /// To be called before long work, whose result `write` could then not write.
  /// - Throws: `UserError` of kind `cannotWrite` for a folder, a pipe, a device, a link that leads nowhere, or a name in a folder
  ///   that is not there.
  public static func requireFile(at path: FilePath) throws {
    let folder = try replaceable(path).removingLastComponent()
    guard folder.isEmpty || isFolder(folder) else {
      throw FileFailure.writing(path, .noSuchFileOrDirectory)
    }
  }

  /// The file that writing to a path replaces or makes.
  private static func replaceable(_ path: FilePath) throws -> FilePath {
    var status = stat()
    guard lstat(path.string, &status) == 0 else { return path }
    if (status.st_mode & S_IFMT) == S_IFREG { return path }
    guard let target = realpath(path.string, nil) else {
      throw UserError(
        .cannotWrite, at: path.string, "this is a link that leads nowhere",
        hint: "Remove it, or name another file.")
    }
    defer { free(target) }
    guard stat(target, &status) == 0, (status.st_mode & S_IFMT) == S_IFREG else {
      throw isFolder(path)
        ? FileFailure.writing(path, .isDirectory)
        : UserError(
          .cannotWrite, at: path.string, "this is a pipe or a device, not a file", hint: "Name a file.")
    }
    return FilePath(String(cString: target))
  }

  /// Renames a file or folder and makes the new name survive a power cut.
  public static func rename(_ source: FilePath, to destination: FilePath) throws {
    guard Glibc.rename(source.string, destination.string) == 0 else {
      throw FileFailure.writing(destination, Errno(rawValue: errno))
    }
    try synchronizeFolder(destination.removingLastComponent())
  }

  /// Flushes the names a folder holds.
  public static func synchronizeFolder(_ path: FilePath) throws {
    let folder = path.isEmpty ? FilePath(".") : path
    let descriptor = open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFailure.writing(folder, Errno(rawValue: errno)) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileFailure.writing(folder, Errno(rawValue: errno)) }
  }

  /// Creates a folder and those above it; one that exists is left as it is.
  public static func createFolder(_ path: FilePath) throws {
    if path.isEmpty || isFolder(path) { return }
    try createFolder(path.removingLastComponent())
    guard mkdir(path.string, 0o755) == 0 || errno == EEXIST else {
      throw FileFailure.writing(path, Errno(rawValue: errno))
    }
  }

  public static func isFolder(_ path: FilePath) -> Bool {
    var status = stat()
    return stat(path.string, &status) == 0 && (status.st_mode & S_IFMT) == S_IFDIR
  }

  /// What the disk with this folder has room for; nil where it does not say.
  public static func freeBytes(at path: FilePath) -> Int? {
    var status = statvfs()
    guard statvfs(path.string, &status) == 0 else { return nil }
    return freeBytes(blocks: UInt64(status.f_bavail), ofBytes: UInt64(status.f_frsize))
  }

  /// Object stores make up how large they are. No more than 4 EiB, so that callers can add to it.
  package static func freeBytes(blocks: UInt64, ofBytes size: UInt64) -> Int {
    let (bytes, overflows) = blocks.multipliedReportingOverflow(by: size)
    return overflows ? 1 << 62 : Int(min(bytes, 1 << 62))
  }

  public static func exists(_ path: FilePath) -> Bool {
    access(path.string, F_OK) == 0
  }

  /// The names in a folder, sorted, without `.` and `..`.
  /// - Throws: `UserError` of kind `missingInput`, also where a name is not UTF-8.
  public static func list(_ path: FilePath) throws -> [String] {
    guard let stream = opendir(path.string) else {
      throw FileFailure.reading(path, Errno(rawValue: errno))
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let name = try nextName(in: stream, of: path) {
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// - Returns: nil at the end.
  private static func nextName(in stream: OpaquePointer, of path: FilePath) throws -> String? {
    // Only this tells an error from the end.
    errno = 0
    guard let entry = readdir(stream) else {
      guard errno == 0 else { throw FileFailure.reading(path, Errno(rawValue: errno)) }
      return nil
    }
    return try withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      try pointer.withMemoryRebound(to: CChar.self, capacity: 256) { bytes in
        guard let name = String(validatingCString: bytes) else {
          throw UserError(
            .missingInput, at: path.string,
            "the folder holds a name that is not UTF-8 (\(String(cString: bytes)))", hint: "Rename it.")
        }
        return name
      }
    }
  }

  /// Removes a file, or a folder with what it holds; nothing there is fine. Links are removed, not followed.
  public static func remove(_ path: FilePath) throws {
    var status = stat()
    if lstat(path.string, &status) == 0 && (status.st_mode & S_IFMT) == S_IFDIR {
      for name in try list(path) { try remove(path.appending(name)) }
      guard rmdir(path.string) == 0 else { throw FileFailure.writing(path, Errno(rawValue: errno)) }
    } else {
      guard unlink(path.string) == 0 || errno == ENOENT else {
        throw FileFailure.writing(path, Errno(rawValue: errno))
      }
    }
  }
}
