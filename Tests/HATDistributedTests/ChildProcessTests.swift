import Glibc
import HATStorage
import Testing

@testable import HATDistributed

@Suite struct ChildProcessTests {
  /// As a parent that ignores SIGCHLD leaves it to its programs.
  @Test(.timeLimit(.minutes(1))) func aChildIsWaitedForWhereItsSignalWasIgnored() async {
    await #expect(processExitsWith: .success) {
      signal(SIGCHLD, SIG_IGN)
      let child = try ChildProcess("sh", arguments: ["-c", "echo said; exit 7"])
      var said: [UInt8] = []
      let code = child.wait(receive: { if case .output(let bytes) = $0 { said += bytes } }, attend: {})
      precondition(code == 7 && said == Array("said\n".utf8))
    }
  }

  /// Somebody else may have asked the kernel for its exit code.
  @Test(.timeLimit(.minutes(1))) func aChildThatIsGoneIsNotWaitedForForEver() throws {
    let child = try ChildProcess("sh", arguments: ["-c", "exit 7"])
    _ = child.wait(receive: { _ in }, attend: {})
    #expect(child.wait(receive: { _ in }, attend: {}) == SharedError.faultExitCode)
  }

  @Test func aProgramThatIsMissingIsNamed() {
    let error = #expect(throws: UserError.self) {
      try ChildProcess("hat-no-such-program", arguments: [], hint: "Find it.")
    }
    #expect(error?.kind == .missingInput && error?.place == "hat-no-such-program")
    #expect(error?.hint == "Find it.")
  }
}
