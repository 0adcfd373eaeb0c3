import Glibc
import HATStorage
import SystemPackage

/// Keeps two trainings out of one folder. The operating system lets go of it when the process ends, however it ends.
final class RunLock {
  private let descriptor: Int32

  /// - Parameter patience: seconds to try for: ranks of a run that was killed may live on for a moment.
  /// - Throws: `UserError` of kind `cannotWrite` while another training holds it.
  init(_ run: FilePath, patience: Int = 10) throws {
    let path = run.appending(".lock")
    descriptor = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw UserError(
        .cannotWrite, at: path.string, "it cannot be written: \(Errno(rawValue: errno))",
        hint: "Choose a folder you may write to.")
    }
    for _ in 0...5 * patience {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
      usleep(200_000)
    }
    throw UserError(
      .cannotWrite, at: run.string, "another training is writing to it",
      hint: "Wait until it ends, or choose another --output folder.")
  }

  deinit {
    close(descriptor)
  }
}
