import Glibc
import SystemPackage

/// Keeps two commands out of one folder. The operating system lets go of it when the process ends, however it ends.
///
/// Processes of one command may share it: one has it alone until all is ready, then all have it together.
public final class FolderLock {
  public static let defaultPatience = 10

  private let descriptor: Int32

  /// - Parameters:
  ///   - path: the file that is locked; made where it is not there.
  ///   - work: what the folder is locked for, for the message.
  ///   - isShared: whether others may have it too.
  ///   - patience: seconds to try for: ranks of a job that was killed may live on for a moment.
  /// - Throws: `UserError` of kind `cannotWrite` while another process holds it, or where the file system has no locks.
  public init(
    _ path: FilePath, of folder: FilePath, work: String, isShared: Bool = false,
    patience: Int = defaultPatience
  ) throws {
    descriptor = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileFailure.writing(path, Errno(rawValue: errno)) }
    for _ in 0...5 * patience {
      if try FileLock.take(descriptor, isShared: isShared, of: path) { return }
      usleep(200_000)
    }
    throw UserError(
      .cannotWrite, at: folder.string,
      "another \(work)\(FileLock.holder(of: descriptor)) is writing to it",
      hint: "Wait until it ends, or choose another folder for `output`.")
  }

  /// Lets others share it.
  public func share() {
    flock(descriptor, LOCK_SH)
  }

  deinit {
    close(descriptor)
  }
}
