import Foundation
import Glibc
import SystemPackage

/// Locks of whole files (`flock`). The operating system lets go of one when the process ends, however it ends.
package enum FileLock {
  /// Does not wait.
  /// - Parameters:
  ///   - descriptor: of the file.
  ///   - isShared: whether others may have it too.
  ///   - path: of the file.
  /// - Returns: false while another process has it.
  /// - Throws: `UserError` of kind `cannotWrite` where the file system has no locks.
  package static func take(_ descriptor: Int32, isShared: Bool = false, of path: FilePath) throws -> Bool {
    if flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 { return true }
    guard errno == EWOULDBLOCK else {
      throw UserError(
        .cannotWrite, at: path.string, "the file system does not lock it: \(Errno(rawValue: errno))",
        hint:
          "Choose a folder on another file system, or have this one mounted with locks (Lustre: -o flock).")
    }
    return false
  }

  /// The process that has the lock, for messages.
  /// - Returns: for example " (process 1234)"; empty where the kernel does not say: on another machine, or outside a
  ///   container.
  static func holder(of descriptor: Int32) -> String {
    process(withLockOn: descriptor).map { " (process \($0))" } ?? ""
  }

  private static func process(withLockOn descriptor: Int32) -> pid_t? {
    var status = stat()
    guard fstat(descriptor, &status) == 0,
      let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8)
    else { return nil }
    // `3: FLOCK  ADVISORY  WRITE 1234 fe:01:56789 0 EOF`, proc_locks(5). Device numbers differ on some file systems.
    for line in locks.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 5, fields[1] == "FLOCK", let process = pid_t(fields[4]), process > 0 else {
        continue
      }
      if fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == UInt64(status.st_ino) {
        return process
      }
    }
    return nil
  }
}
