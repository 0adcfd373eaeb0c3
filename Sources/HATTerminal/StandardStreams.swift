import Foundation
import HATStorage
import SystemPackage

/// Standard input, output and error of this process.
package enum StandardStreams {
  /// Makes them safe to use; to be called before anything else is opened.
  static func prepare() {
    // The next file or pipe would take the place of one that is closed, and be written to.
    for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) == -1 {
      _ = open("/dev/null", O_RDWR)
    }
    // A file that grows beyond `ulimit -f` is then an error like a full disk.
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Writes to standard output.
  /// - Throws: `UserError` of kind `cannotWrite`.
  package static func write(_ data: Data) throws {
    do {
      _ = try data.withUnsafeBytes { try FileDescriptor.standardOutput.writeAll($0) }
    } catch let error as Errno {
      throw FileFailure.writing("standard output", error)
    }
  }
}
