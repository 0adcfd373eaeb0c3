import CChild
import Foundation
import Glibc
import HATStorage

/// A program run to its end, in a process group of its own. Its standard output and error are pipes that this process
/// reads. When the thread that started it ends, even by `kill -9`, the kernel sends it SIGTERM, and `mpirun` then ends its
/// ranks.
///
/// Not made with swift-subprocess, whose API is asynchronous only: the launcher and the ranks are synchronous programs,
/// and a bridge between the two takes as much code as this does. Ending the ranks would be ours all the same, because Open
/// MPI puts each into a process group of its own (`ProcessTree`).
package final class ChildProcess {
  private let processID: pid_t
  private let output: ChildPipe
  private let errors: ChildPipe

  /// - Parameters:
  ///   - environment: by default this process's, without what makes it a rank.
  ///   - hint: what to do where the program is missing.
  /// - Throws: `UserError`: `missingInput` when the program cannot be started, `configuration` when too many files are open.
  package init(
    _ program: String, arguments: [String], environment: [String] = ChildProcess.usualEnvironment(),
    hint: String = "Install it, or add its folder to PATH."
  ) throws {
    let (output, errors) = (try ChildPipe(), try ChildPipe())
    (self.output, self.errors) = (output, errors)
    processID = CStrings.with([program] + arguments) { argumentPointers in
      CStrings.with(environment) { environmentPointers in
        hat_child_start(
          program, argumentPointers, environmentPointers, output.writeEnd, errors.writeEnd)
      }
    }
    for pipe in [output, errors] { pipe.closeWriteEnd() }
    guard processID > 0 else {
      throw UserError(
        .missingInput, at: program, "it cannot be started: \(String(cString: strerror(-processID)))",
        hint: hint)
    }
  }

  /// Starts the ranks of a job.
  convenience init(_ job: MPIJob, by launcher: any MPILauncher) throws {
    let arguments = try launcher.arguments(
      for: job, cores: ProcessorCores.available(), isAllocation: MPIJob.isAllocation)
    try self.init(
      launcher.program, arguments: arguments,
      hint: "\(launcher.installation), or leave `ranks` out to use one process.")
  }

  package static func usualEnvironment() -> [String] {
    MPIJob.cleanEnvironment(of: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" })
  }

  func send(signal: Int32) {
    kill(processID, signal)
  }

  /// Kills the program and everything it has started on this machine.
  func killTree() {
    ProcessTree.kill(processID)
  }

  /// What the program has written, and where to.
  package enum Received {
    case output([UInt8])
    case error([UInt8])
  }

  /// Waits for the program to end, and passes on what it writes meanwhile.
  /// - Parameters:
  ///   - receive: given it as it comes.
  ///   - attend: called several times a second.
  /// - Returns: the exit code; 128 + n after signal n; that of a fault where the kernel does not know it any more.
  package func wait(receive: (Received) -> Void, attend: () -> Void) -> Int32 {
    var status: Int32 = 0
    var ended = waitpid(processID, &status, WNOHANG)
    while ended == 0 || (ended < 0 && errno == EINTR) {
      _ = receiveOnce(receive, milliseconds: 100)
      attend()
      ended = waitpid(processID, &status, WNOHANG)
    }
    // A grandchild may hold a pipe open for longer, so only what is there already is read.
    while receiveOnce(receive, milliseconds: 0) {}
    guard ended == processID else { return SharedError.faultExitCode }
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
  }

  /// - Returns: whether there was something to read.
  private func receiveOnce(_ receive: (Received) -> Void, milliseconds: Int32) -> Bool {
    var events = [output, errors].map { pollfd(fd: $0.readEnd, events: Int16(POLLIN), revents: 0) }
    guard poll(&events, nfds_t(events.count), milliseconds) > 0 else { return false }
    let (written, said) = (
      events[0].revents == 0 ? [] : output.read(), events[1].revents == 0 ? [] : errors.read()
    )
    if !written.isEmpty { receive(.output(written)) }
    if !said.isEmpty { receive(.error(said)) }
    return !(written.isEmpty && said.isEmpty)
  }
}

/// A pipe from a child process to this one.
private final class ChildPipe {
  /// -1 once it is at its end: `poll` passes over it.
  private(set) var readEnd: Int32
  private(set) var writeEnd: Int32

  /// - Throws: `UserError` of kind `configuration`.
  init() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw UserError(
        .configuration, "no pipe to another program can be made: \(String(cString: strerror(errno)))",
        hint: "Allow more open files (`ulimit -n`).")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }

  deinit {
    closeWriteEnd()
    if readEnd >= 0 { close(readEnd) }
  }

  func closeWriteEnd() {
    if writeEnd >= 0 { close(writeEnd) }
    writeEnd = -1
  }

  /// What there is to read; empty at the end.
  func read() -> [UInt8] {
    let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      count = max(0, Glibc.read(readEnd, buffer.baseAddress!, buffer.count))
    }
    if bytes.isEmpty {
      close(readEnd)
      readEnd = -1
    }
    return bytes
  }
}

/// Strings as null-terminated C arrays of pointers.
private enum CStrings {
  static func with<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
  }
}

/// The processes of this machine that a process has started, directly or not.
enum ProcessTree {
  /// Kills them and the process itself, also those that are stopped. A process that outlives its parent can no longer be
  /// found, so all are looked up before the first is killed.
  static func kill(_ root: pid_t) {
    for process in descendants(of: root) + [root] { Glibc.kill(process, SIGKILL) }
  }

  static func descendants(of root: pid_t) -> [pid_t] {
    let children = Dictionary(grouping: all(), by: \.parent)
    var found: [pid_t] = []
    var next = [root]
    while let parent = next.popLast() {
      let own = children[parent, default: []].map(\.process)
      found += own
      next += own
    }
    return found
  }

  private static func all() -> [(process: pid_t, parent: pid_t)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.compactMap { process in
      Ancestry.parent(of: process).map { (process, $0) }
    }
  }
}
