import Foundation
import Glibc
import Testing

/// A Slurm of two nodes (scripts/slurm-nodes) that is there until the last reference goes.
final class SlurmCluster {
  private let name = "hat-slurm-\(getpid())-\(UInt16.random(in: 0...UInt16.max))"
  private let keeper: ChildProcess
  private let scratch: Scratch
  private let configuration: String

  private static let script = Program.repository + "/scripts/slurm-nodes"

  /// Why there can be none here; nil if there can.
  static let hindrance: String? = {
    let output = ChildProcess.run([script, "true"], timeLimit: 40)
    return output.exitCode == 0 ? nil : output.standardError
  }()

  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    let file = scratch.file("slurm-configuration")
    keeper = ChildProcess(
      [
        Self.script, "--name", name, "sh", "-c",
        "echo $SLURM_CONF > \(file).new; mv \(file).new \(file); sleep 600",
      ])
    try #require(
      eventually(within: 40) { FileManager.default.fileExists(atPath: file) }, "Slurm does not start")
    configuration = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
  }

  deinit {
    kill(keeper.identifier, SIGTERM)
    _ = keeper.wait()
  }

  var nodes: [String] { ["\(name)-1", "\(name)-2"] }

  /// Starts a program on the first node, as a user would.
  func start(_ arguments: [String], environment: [String: String] = [:]) -> ChildProcess {
    ChildProcess(
      [
        "ip", "netns", "exec", nodes[0], "unshare", "--uts", "sh", "-c", "hostname \(nodes[0]); exec \"$@\"",
        "sh",
      ]
        + arguments,
      environment: ChildProcess.cleanEnvironment.merging(["SLURM_CONF": configuration]) { $1 }
        .merging(environment) { $1 })
  }

  func run(_ arguments: [String], environment: [String: String] = [:]) -> ChildProcess.Output {
    start(arguments, environment: environment).wait()
  }

  /// `hat-mpirun` as a task on each node.
  static func srun(_ arguments: [String], options: [String] = ["--mpi=pmix"]) -> [String] {
    ["srun", "--nodes", "2", "--ntasks", "2"] + options + [Program.path] + arguments
  }

  /// - Parameter state: `up` or `down`.
  func setCable(_ state: String) -> Bool {
    ChildProcess.run(["ip", "-n", nodes[1], "link", "set", "cable", state]).exitCode == 0
  }

  /// - Returns: whether there was one.
  func killRankOnSecondNode() -> Bool {
    let processes = ChildProcess.run(["ip", "netns", "pids", nodes[1]]).standardOutput.split(separator: "\n")
    let rank = processes.compactMap { pid_t($0) }.first { process in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")) == Program.path
    }
    return rank.map { kill($0, SIGKILL) == 0 } ?? false
  }
}

/// A job of the batch script that hat comes with.
struct SlurmJob {
  let cluster: SlurmCluster
  let number: String
  let log: String

  /// - Parameters:
  ///   - launcher: `mpirun` or `srun`.
  ///   - arguments: of `train`, up to the folder of the run: --config, --data.
  init(
    _ cluster: SlurmCluster, launcher: String, configuration: String, corpus: String, run: RunFolder
  ) throws {
    self.cluster = cluster
    log = run.path + ".log"
    let output = cluster.run(
      [
        "sbatch", "--parsable", "--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=1", "--output=\(log)",
        "--time=60", Program.repository + "/scripts/slurm.sbatch",
      ],
      environment: [
        "LAUNCHER": launcher, "CONFIGURATION": configuration, "CORPUS": corpus, "RUN": run.path,
        "PROGRAM": Program.path, "WAIT": "5",
      ])
    number = output.standardOutput.trimmingCharacters(in: .newlines)
    try #require(output.exitCode == 0 && !number.isEmpty, "\(output.description)")
  }

  func signal(_ options: String...) -> Bool { cluster.run(["scancel"] + options + [number]).exitCode == 0 }

  /// The value of a field of the job, as Slurm shows it.
  func field(_ name: String) -> String {
    let text = cluster.run(["scontrol", "show", "job", number]).standardOutput
    let words = text.split { $0.isWhitespace }
    return words.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) } ?? ""
  }

  /// Waits for the job to end.
  /// - Returns: its last state.
  func wait() -> String {
    _ = eventually(within: 240) {
      usleep(200_000)
      return !["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "REQUEUED"].contains(field("JobState"))
    }
    return field("JobState")
  }

  var messages: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
}
