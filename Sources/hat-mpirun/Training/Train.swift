import ArgumentParser
import Foundation
import HATDistributed
import HATStorage
import SystemPackage

/// Trains a model: alone, as a rank under `mpirun`, or starting `mpirun` itself.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model on a corpus; goes on from the newest checkpoint of the run.",
    discussion: """
      With --ranks it starts mpirun itself, and again after a fault; under mpirun it is a rank. SIGTERM, SIGUSR1 \
      or Ctrl-C finish the step, write a checkpoint and end with exit code 75.
      """)

  @Option(help: "The configuration, such as configs/tiny.yaml.")
  var config: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Corpora made by preprocess, each with its part of the bytes trained on; 1 without one.",
      valueName: "DIR[:weight]"))
  var data: [WeightedFolder]

  @Option(help: "The folder of the run: configuration, metrics, checkpoints.")
  var output: String

  @Option(help: "Start mpirun with that many ranks; one process without it.")
  var ranks: Int?

  @Option(help: "Threads of each rank; as many as the ranks leave cores for without it.")
  var threads: Int?

  @Option(help: "Machines to run on, one a line with its slots (see hostfiles/).")
  var hostfile: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What else mpirun is to be called with, such as \"--mca btl_tcp_if_include eth1\".",
      valueName: "options"))
  var mpirunArguments: String?

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Begin with the parameters of another run's checkpoint, and with its tokenizer, instead of random ones.",
      valueName: "RUN[@step]"))
  var initializeFrom: String?

  @Option(
    help: ArgumentHelp(
      "Of a model of kind subword, as tokenizer learn wrote it; learnt from the corpora without it.",
      valueName: "FILE"))
  var tokenizer: String?

  @Option(help: "What to do with a run that is there already: auto goes on, never refuses.")
  var resume: TrainingJob.Resume = .auto

  @Option(help: "Starts after a fault, with --ranks.")
  var restarts = 3

  @Option(
    help: ArgumentHelp(
      "Seconds a step may take before the run is taken for hung; learnt from the run without it.",
      valueName: "seconds"))
  var stepTimeLimit: Double?

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data needs a folder.") }
    for corpus in data { try corpus.validate() }
    guard ranks ?? 1 >= 1 else { throw ValidationError("--ranks must be at least 1.") }
    guard threads ?? 1 >= 1 else { throw ValidationError("--threads must be at least 1.") }
    guard restarts >= 0 else { throw ValidationError("--restarts must not be negative.") }
    guard stepTimeLimit ?? 1 > 0 else { throw ValidationError("--step-time-limit must be above 0.") }
    guard mpirunArguments == nil || ranks != nil else {
      throw ValidationError("--mpirun-arguments needs --ranks: without it mpirun is not started.")
    }
    guard hostfile == nil || ranks != nil else {
      throw ValidationError("--hostfile needs --ranks, the number of ranks on all hosts together.")
    }
  }

  func run() throws {
    if MPICommunicator.isLaunched || ranks == nil {
      Foundation.exit(TrainRank(self).run())
    }
    Foundation.exit(try launch(ranks: ranks!))
  }

  /// - Returns: the exit code of the command.
  private func launch(ranks: Int) throws -> Int32 {
    let program = try RankProgram.executable()
    let cores = ProcessorCores.available()
    let choice = hostfile == nil ? try ThreadChoice(wanted: threads, ranks: ranks, cores: cores) : nil
    let hangs = HangFolder(run: FilePath(output))
    let supervisor = Supervisor(restarts: restarts, hangs: hangs) { TrainProgress.say($0) }
    return try supervisor.run { start in
      MPIJob(
        program: program, arguments: rankArguments(start: start), ranks: ranks,
        threadsPerRank: choice?.threads ?? 1, hostfile: hostfile,
        launcherOptions: mpirunArguments?.split(separator: " ").map(String.init) ?? [],
        environment: [("OPENBLAS_NUM_THREADS", "1"), (Watchdog.supervisedVariable, "1")]
          + ProgressLine.environment)
    }
  }

  /// What each rank is called with. A start after a fault goes on with what the first one has made.
  private func rankArguments(start: Int) -> [String] {
    var arguments = ["train", "--config", config, "--output", output]
    arguments += ["--resume", (start == 0 ? resume : .auto).rawValue]
    if let threads { arguments += ["--threads", String(threads)] }
    if let initializeFrom { arguments += ["--initialize-from", initializeFrom] }
    if let tokenizer { arguments += ["--tokenizer", tokenizer] }
    if let stepTimeLimit { arguments += ["--step-time-limit", "\(stepTimeLimit)"] }
    arguments += overrides.flatMap { ["--set", $0] }
    return arguments + ["--data"] + data.map(\.argument)
  }
}

extension TrainingJob.Resume: ExpressibleByArgument {}
