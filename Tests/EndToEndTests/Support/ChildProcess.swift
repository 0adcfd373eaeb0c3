import Foundation
import Glibc

/// A program started by a test: always under a time limit, with its output in files so that no pipe can fill up.
final class ChildProcess {
  struct Output {
    /// The exit code, or 128 + the signal that ended it.
    var exitCode: Int32
    var standardOutput: String
    var standardError: String
    var isTimedOut: Bool
    var seconds: Double

    var description: String {
      "exit code \(exitCode) after \(seconds) s\n--- standard output\n\(standardOutput.suffix(4000))\n"
        + "--- standard error\n\(standardError.suffix(4000))"
    }
  }

  let identifier: pid_t
  private let outputFile: String
  private let errorFile: String
  private let start = Date()
  private static let timeoutExitCode: Int32 = 124

  /// Starts `arguments[0]`, found in PATH, in a process group of its own.
  /// - Parameter timeLimit: in seconds; then SIGTERM, five seconds later SIGKILL.
  init(
    _ arguments: [String], environment: [String: String] = ChildProcess.cleanEnvironment,
    input: String? = nil,
    timeLimit: Int = 120
  ) {
    let base = NSTemporaryDirectory() + "hat-child-" + UUID().uuidString
    (outputFile, errorFile) = (base + ".out", base + ".err")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input ?? "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errorFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600)

    let words = ["timeout", "--kill-after=5", String(timeLimit)] + arguments
    var pointers = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in pointers + variables { free(pointer) } }
    // The thread a test runs on blocks signals, which a child would inherit.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var identifier: pid_t = 0
    let status = posix_spawnp(&identifier, "timeout", &actions, &attributes, &pointers, &variables)
    precondition(status == 0, "cannot start \(words): \(String(cString: strerror(status)))")
    self.identifier = identifier
  }

  /// The program itself: `timeout` started it.
  var program: pid_t? {
    let children = try? String(
      contentsOfFile: "/proc/\(identifier)/task/\(identifier)/children", encoding: .utf8)
    return children?.split(separator: " ").first.flatMap { pid_t($0) }
  }

  func wait() -> Output {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 { precondition(errno == EINTR) }
    let signal = status & 0x7F
    let exitCode = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    defer {
      unlink(outputFile)
      unlink(errorFile)
    }
    return Output(
      exitCode: exitCode, standardOutput: Self.text(of: outputFile), standardError: Self.text(of: errorFile),
      isTimedOut: exitCode == Self.timeoutExitCode, seconds: Date().timeIntervalSince(start))
  }

  static func run(
    _ arguments: [String], environment: [String: String] = cleanEnvironment, input: String? = nil,
    timeLimit: Int = 120
  ) -> Output {
    ChildProcess(arguments, environment: environment, input: input, timeLimit: timeLimit).wait()
  }

  private static func text(of file: String) -> String {
    String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
  }

  /// This process's environment without what an MPI job leaves behind, which would keep a child `mpirun` from
  /// starting; with leave to run as root only where that is so.
  static let cleanEnvironment: [String: String] = {
    let strange = ["OMPI_", "PMIX_", "OPAL_", "ORTE_", "PRTE_"]
    var environment = ProcessInfo.processInfo.environment.filter { variable in
      !strange.contains { variable.key.hasPrefix($0) }
    }
    if geteuid() == 0 {
      environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    return environment
  }()
}
