import Foundation
import Glibc
import HATStorage

/// A program run to its end, in a process group of its own, its standard error passed through our hands.
final class ChildProcess {
  private var processID: pid_t = 0
  private let errorPipe: Int32

  /// - Throws: `UserError` of kind `missingInput` when the program cannot be started.
  init(_ program: String, arguments: [String], environment: [String]) throws {
    var pipeEnds: [Int32] = [0, 0]
    precondition(pipe(&pipeEnds) == 0, "a pipe can be made")
    errorPipe = pipeEnds[0]
    for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(pipeEnds[1]) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], STDERR_FILENO)

    // A group of its own: Ctrl-C reaches us alone, and we say what it means.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)

    let status = CStrings.with([program] + arguments) { argumentPointers in
      CStrings.with(environment) { environmentPointers in
        posix_spawnp(&processID, program, &actions, &attributes, argumentPointers, environmentPointers)
      }
    }
    guard status == 0 else {
      throw UserError(
        .missingInput, at: program, "it cannot be started: \(String(cString: strerror(status)))",
        hint: "Install Open MPI (apt install openmpi-bin), or leave --ranks out to train in one process.")
    }
  }

  /// Starts the `mpirun` of a job.
  convenience init(_ job: MPIJob) throws {
    try self.init(
      "mpirun", arguments: job.launcherArguments(),
      environment: MPIJob.cleanEnvironment(
        of: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }))
  }

  deinit {
    close(errorPipe)
  }

  func send(signal: Int32) {
    kill(processID, signal)
  }

  /// Ends the program and whatever it has started on this machine.
  func killTree() {
    ProcessTree.kill(processID)
  }

  /// Waits for the end, a signal that is not for the child, or more output.
  /// - Parameters:
  ///   - receive: given standard error as it comes.
  ///   - attend: called several times a second.
  /// - Returns: the exit code; 128 + n after signal n.
  func wait(receive: (UnsafeRawBufferPointer) -> Void, attend: () -> Void) -> Int32 {
    var status: Int32 = 0
    while waitpid(processID, &status, WNOHANG) != processID {
      _ = receiveOnce(receive, milliseconds: 100)
      attend()
    }
    // A grandchild may hold the pipe open for longer: only what is there already is read.
    while receiveOnce(receive, milliseconds: 0) {}
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
  }

  /// - Returns: whether there was something.
  private func receiveOnce(_ receive: (UnsafeRawBufferPointer) -> Void, milliseconds: Int32) -> Bool {
    var event = pollfd(fd: errorPipe, events: Int16(POLLIN), revents: 0)
    guard poll(&event, 1, milliseconds) > 0 else { return false }
    return withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
      let count = read(errorPipe, buffer.baseAddress!, buffer.count)
      guard count > 0 else {
        if count == 0 && milliseconds > 0 { usleep(10_000) }
        return false
      }
      receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      return true
    }
  }
}

/// Strings as C's null-terminated arrays of pointers.
private enum CStrings {
  static func with<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
  }
}
