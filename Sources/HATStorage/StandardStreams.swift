@preconcurrency import Glibc

/// Standard error: a log. One that is full or closed stops no work, so what cannot be written is dropped.
package enum StandardError {
  package static func write(_ bytes: some Sequence<UInt8>) {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

/// Standard output: results. A result that cannot be written is lost, and the command fails.
package enum StandardOutput {
  /// Writes bytes, and lets none wait in a buffer: somebody may read along.
  /// - Throws: `UserError` of kind `cannotWrite` if these, or bytes that were printed before, could not be written.
  package static func write(_ bytes: some Sequence<UInt8>) throws {
    let bytes = Array(bytes)
    guard fwrite(bytes, 1, bytes.count, stdout) == bytes.count else { throw failure(errno) }
    try flush()
  }

  fileprivate static func flush() throws {
    guard fflush(stdout) == 0 else { throw failure(errno) }
    guard ferror(stdout) == 0 else { throw failure(0) }
  }

  private static func failure(_ number: Int32) -> UserError {
    let problem =
      switch number {
      case ENOSPC, EDQUOT: "the disk is full, so the result is incomplete"
      case EPIPE: "the program that read it has ended, so the result is incomplete"
      case EBADF: "it is closed, so the result is lost"
      default: "it could not be written, so the result is incomplete"
      }
    return UserError(
      .cannotWrite, at: "standard output", problem,
      hint: "Run the command again with its output to a file that has room.")
  }
}

/// What a program does about its standard streams before anything else.
package enum StandardStreams {
  /// Reports an unwritten result; set once.
  nonisolated(unsafe) private static var report: (UserError) -> Void = { _ in }

  /// From now on a reader that ends, or a file that may not grow, is an error and not a signal. A closed stream becomes
  /// one that cannot be used; otherwise the next file that is opened would take its place. When the program ends with
  /// exit code 0 although something that it printed could not be written, the code becomes that of `cannotWrite`.
  /// - Parameter report: tells the user.
  package static func prepare(report: @escaping (UserError) -> Void) {
    Self.report = report
    signal(SIGPIPE, SIG_IGN)
    // A file that grows beyond `ulimit -f`.
    signal(SIGXFSZ, SIG_IGN)
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest number that is free is this one. Reading from what can only be written fails, and the reverse.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
    on_exit({ code, _ in StandardStreams.finish(code) }, nil)
  }

  /// Ends the program. `exit` would wait for the threads of libraries, and one that waits for memory does not end.
  package static func end(_ code: Int32) -> Never {
    finish(code)
    _exit(code)
  }

  private static func finish(_ code: Int32) {
    do {
      try StandardOutput.flush()
    } catch let error as UserError where code == 0 {
      report(error)
      _exit(error.kind.exitCode)
    } catch {
      // The program has failed already, and has said why.
    }
  }
}
