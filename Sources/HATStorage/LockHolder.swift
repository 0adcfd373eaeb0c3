import Foundation
import Glibc

/// The process that has locked a file (`flock`), for messages.
enum LockHolder {
  /// - Returns: for example " (process 1234)"; empty where the kernel does not say: on another machine, or outside a container.
  static func description(ofLockOn descriptor: Int32) -> String {
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
