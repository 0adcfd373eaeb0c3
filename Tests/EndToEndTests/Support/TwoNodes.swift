import Foundation
import Glibc

/// A use of scripts/two-nodes.
struct TwoNodes {
  private let name = "hat-test-\(getpid())-\(UInt16.random(in: 0...UInt16.max))"
  private static let script = Program.repository + "/scripts/two-nodes"

  /// Whether the operating system lets this process make network namespaces.
  static let areAllowed: Bool = ChildProcess.run([script, "true"], timeLimit: 20).exitCode == 0

  var names: [String] { ["\(name)-1", "\(name)-2"] }

  func start(command: [String]) -> ChildProcess {
    ChildProcess([Self.script, "--name", name] + command)
  }

  /// `hat-mpirun` on the first node.
  func start(_ arguments: [String]) -> ChildProcess {
    start(command: [Program.path] + arguments + ["--mpirun-arguments", "--bind-to none"])
  }

  func run(_ arguments: [String]) -> ChildProcess.Output { start(arguments).wait() }

  /// - Parameter state: `up` or `down`.
  func setCable(_ state: String) -> Bool {
    ChildProcess.run(["ip", "-n", names[1], "link", "set", "cable", state]).exitCode == 0
  }

  /// Whether one of the namespaces is there.
  var exist: Bool {
    let list = ChildProcess.run(["ip", "netns", "list"]).standardOutput
    return names.contains { list.contains($0) }
  }

  /// Whether a program of this name runs on the first node.
  func isRunning(_ program: String) -> Bool {
    let processes = ChildProcess.run(["ip", "netns", "pids", names[0]]).standardOutput.split(separator: "\n")
    return processes.contains { process in
      let file = "/proc/\(process)/comm"
      return (try? String(contentsOfFile: file, encoding: .utf8)) == "\(program)\n"
    }
  }
}
