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
    processes(withLockOn: descriptor).first.map { " (process \($0))" } ?? ""
  }

  /// Those that may have the lock: the file system numbers its files, and others may have the same numbers.
  static func processes(withLockOn descriptor: Int32) -> [pid_t] {
    var status = stat()
    guard fstat(descriptor, &status) == 0,
      let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8)
    else { return [] }
    // `3: FLOCK  ADVISORY  WRITE 1234 fe:01:56789 0 EOF`, proc_locks(5). Device numbers differ on some file systems.
    return locks.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 5, fields[1] == "FLOCK", let process = pid_t(fields[4]), process > 0,
        fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == UInt64(status.st_ino)
      else { return nil }
      return process
    }
  }

  /// The numbers of a process, as seen from here and from inside of the containers that it runs in.
  package static func numbers(of process: pid_t, root: String = "/") -> [pid_t] {
    let status = (try? String(contentsOfFile: "\(root)proc/\(process)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("NSpid:") }
    let numbers = line?.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) } ?? []
    return [process] + numbers
  }

  /// Whether a file that was opened still has its name: between opening and locking, another process may have finished it and
  /// given it another one.
  static func isStill(_ descriptor: Int32, at path: FilePath) -> Bool {
    var (opened, named) = (stat(), stat())
    return fstat(descriptor, &opened) == 0 && stat(path.string, &named) == 0 && opened.st_ino == named.st_ino
      && opened.st_dev == named.st_dev
  }
}
