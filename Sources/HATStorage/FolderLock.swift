import Glibc
import SystemPackage

/// Keeps two commands out of one folder. The operating system lets go of it when the process ends, however it ends.
///
/// Processes of one command may share it: one has it alone until all is ready, then all have it together.
public final class FolderLock {
  /// Seconds: what is left of a job that was killed may live on for a moment.
  public static let defaultPatience = 10

  /// Set to the same value for all processes that are started for one purpose, one after the other.
  public static let jobVariable = "HAT_SUPERVISED"

  private let path: FilePath
  private let descriptor: Int32

  /// - Parameters:
  ///   - path: the file that is locked; made where it is not there. It says who has the lock.
  ///   - work: what the folder is locked for, for the message.
  ///   - isShared: whether others may have it too.
  ///   - patience: seconds to try for while the lock is held by what may be left of a job before.
  /// - Throws: `UserError` of kind `cannotWrite` while another process holds it, or where the file system has no locks.
  public init(
    _ path: FilePath, of folder: FilePath, work: String, isShared: Bool = false,
    patience: Int = defaultPatience
  ) throws {
    self.path = path
    descriptor = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileFailure.writing(path, Errno(rawValue: errno)) }
    let own = LockHolder.current
    let start = ContinuousClock.now
    while true {
      if try FileLock.take(descriptor, isShared: isShared, of: path) {
        if !isShared { own.write(to: descriptor) }
        return
      }
      let holder = LockHolder(reading: path)
      let patience = holder?.patience(of: own, usual: patience) ?? patience
      guard ContinuousClock.now - start < .seconds(patience) else {
        let name = holder.map { " (\($0.description))" } ?? FileLock.holder(of: descriptor)
        throw UserError(
          .cannotWrite, at: folder.string, "another \(work)\(name) is writing to it",
          hint: "Wait until it ends, or choose another folder for `output`.")
      }
      usleep(200_000)
    }
  }

  /// Whether the process that the file names has the lock, without getting in its way. A process of another machine, or outside
  /// of this one's container, cannot be seen.
  /// - Parameter path: the file that is locked.
  package static func isHeld(_ path: FilePath) -> Bool {
    guard let holder = LockHolder(reading: path) else { return false }
    let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // In a container it has written its number there.
    return FileLock.processes(withLockOn: descriptor).contains {
      FileLock.numbers(of: $0).contains(holder.process)
    }
  }

  /// Lets others share it.
  /// - Throws: `UserError` of kind `cannotWrite` where the file system fails, or where another process has it now: the lock is let
  ///   go of for a moment.
  public func share() throws {
    guard try FileLock.take(descriptor, isShared: true, of: path) else {
      throw UserError(
        .cannotWrite, at: path.string, "another process\(FileLock.holder(of: descriptor)) has taken the lock",
        hint: "Wait until it ends, or choose another folder for `output`.")
    }
  }

  deinit {
    close(descriptor)
  }
}
