import ArgumentParser
import Foundation
import HAT
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// Trains a model: alone, as a rank under `mpirun` or `srun`, or starting `mpirun` itself.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model on a corpus; resumes from the newest checkpoint of the run.",
    discussion: """
      With --ranks it starts mpirun itself, and restarts it after a fault; under mpirun or srun it is a rank. On SIGTERM, \
      SIGUSR1, SIGHUP or Ctrl-C it finishes the step, writes a checkpoint and ends with exit code 75. A second Ctrl-C ends it \
      at once.

      With --hours it plans the run as plan --hours does, at the speed and with the memory that its ranks find, and \
      begins it. A run that has begun goes on with its own configuration.
      """)

  @OptionGroup
  var settings: ConfigurationOptions

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Corpora made by preprocess, each with its weight: its share of the bytes trained on (default: 1).",
      valueName: "DIR[:weight]"))
  var data: [WeightedFolder]

  @Option(help: "The folder of the run: configuration, metrics, checkpoints.")
  var output: String

  @Option(help: "Start mpirun with this many ranks (default: one process).")
  var ranks: Int?

  @Option(help: "Threads of each rank (default: the cores divided by the ranks; with --hostfile 1).")
  var threads: Int?

  @Option(help: "Machines to run on, one per line with its slots (see hostfiles/).")
  var hostfile: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Further arguments for mpirun, such as \"--mca btl_tcp_if_include eth1\".",
      valueName: "options"))
  var mpirunArguments: String?

  @Option(
    help: ArgumentHelp(
      "Start with the parameters and tokenizer of another run's checkpoint instead of random parameters.",
      valueName: "RUN[@step]"))
  var initializeFrom: String?

  @Option(
    help: ArgumentHelp(
      "For a model of kind subword: the tokenizer, from `tokenizer learn` (default: learned from the corpora).",
      valueName: "FILE"))
  var tokenizer: String?

  @Option(help: "What to do with a run that already exists: auto resumes it, never refuses.")
  var resume: TrainingJob.Resume = .auto

  @Option(help: "With --ranks: the most restarts after faults without a new checkpoint in between.")
  var restarts = 3

  @Option(
    help: ArgumentHelp(
      "Seconds after which a step counts as hung (default: learned from the run).",
      valueName: "seconds"))
  var stepTimeLimit: Double?

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data needs a folder.") }
    for corpus in data { try corpus.validate() }
    guard settings.hours == nil || initializeFrom == nil else {
      throw ValidationError("--hours chooses the model: leave out --initialize-from, or name its --config.")
    }
    try OptionLimits.ranks.check("--ranks", ranks)
    try OptionLimits.threads.check("--threads", threads)
    try OptionLimits(0...1_000_000).check("--restarts", restarts)
    let limit = stepTimeLimit ?? 1
    guard limit > 0 && limit <= 1e9 else {
      throw ValidationError("--step-time-limit must be above 0, and at most 1e9 seconds.")
    }
    guard mpirunArguments == nil || ranks != nil else {
      throw ValidationError("--mpirun-arguments needs --ranks: without it mpirun is not started.")
    }
    guard hostfile == nil || ranks != nil else {
      throw ValidationError("--hostfile needs --ranks, the number of ranks on all hosts together.")
    }
  }

  func run() throws {
    if Launcher.current != nil || ranks == nil {
      StandardStreams.end(TrainRank(self).run())
    }
    StandardStreams.end(try launch(ranks: ranks!))
  }

  /// - Returns: the exit code of the command.
  private func launch(ranks: Int) throws -> Int32 {
    let program = try RankProgram.executable()
    let threadsPerRank = try ThreadChoice.threadsPerRank(
      wanted: threads, ranks: ranks, hasHostfile: hostfile != nil)
    try requireEvenShares(ranks)
    let hangs = HangFolder(run: FilePath(output))
    let checkpoints = CheckpointStore(run: FilePath(output))
    let supervisor = Supervisor(
      restarts: restarts, hangs: hangs, progress: { try checkpoints.list().last ?? 0 },
      note: { Terminal.note($0) })
    return try supervisor.run { start in
      MPIJob(
        program: program, arguments: rankArguments(start: start), ranks: ranks,
        threadsPerRank: threadsPerRank, hostfile: hostfile,
        launcherOptions: mpirunArguments?.split(separator: " ").map(String.init) ?? [],
        environment: Terminal.environment)
    }
  }

  /// The ranks would find out too, but only once all of them have started.
  private func requireEvenShares(_ ranks: Int) throws {
    guard let file = settings.file else { return }
    let training = try Configuration.load(from: FilePath(file), overrides: settings.overrides).training
    _ = try MicroBatchTree(microBatches: training.microBatches, ranks: ranks)
  }

  /// The arguments of each rank. A restart after a fault resumes the run that the first start made. A value may begin with a minus,
  /// so option and value are one argument.
  private func rankArguments(start: Int) -> [String] {
    var arguments = ["train", "--output=\(output)"] + settings.arguments
    arguments += ["--resume", (start == 0 ? resume : .auto).rawValue]
    if let threads { arguments += ["--threads", String(threads)] }
    if let initializeFrom { arguments.append("--initialize-from=\(initializeFrom)") }
    if let tokenizer { arguments.append("--tokenizer=\(tokenizer)") }
    if let stepTimeLimit { arguments += ["--step-time-limit", "\(stepTimeLimit)"] }
    return arguments + data.map { "--data=\($0.argument)" }
  }
}

extension TrainingJob.Resume: ExpressibleByArgument {}

/// One rank of `train`, or the only process.
struct TrainRank {
  private let command: Train
  private let log: OperationLog

  init(_ command: Train) {
    self.command = command
    log = OperationLog(stepTimeLimit: command.stepTimeLimit)
  }

  /// - Returns: the exit code. Errors have been reported, once for all ranks.
  func run() -> Int32 {
    StopRequest.listen()
    let watchdog = Watchdog(log: log, run: FilePath(command.output))
    // Before the ranks connect, which may hang too.
    watchdog.start()
    return RankProgram.run { communicator in
      watchdog.joined(communicator)
      return exitCode(try train(on: communicator))
    }
  }

  private func exitCode(_ outcome: TrainingOutcome) -> Int32 {
    switch outcome {
    case .finished: 0
    case .stopped: UserError.Kind.stoppedEarly.exitCode
    }
  }

  private func train(on communicator: any Communicator) throws -> TrainingOutcome {
    try communicator.together { try RankProgram.require(ranks: command.ranks, of: communicator) }
    for finding in try Diagnosis.atStart(on: communicator) where communicator.rank == 0 {
      Terminal.note(FindingText.line(finding))
    }
    let run = trainingRun(try configuration(on: communicator))
    let progress = TrainProgress(run: command.output, corpora: command.data.map(\.folder))
    let outcome = try run.train(on: communicator, log: log, observe: progress.show)
    if communicator.rank == 0 { progress.finish(outcome) }
    return outcome
  }

  private func configuration(on communicator: any Communicator) throws -> Configuration {
    if let hours = command.settings.hours {
      return try TrainHours(command, hours: hours).configuration(on: communicator)
    }
    return try communicator.together {
      try Configuration.load(from: FilePath(command.settings.file!), overrides: command.settings.overrides)
    }
  }

  private func trainingRun(_ configuration: Configuration) -> TrainingRun {
    var run = TrainingRun(
      configuration, corpora: command.data.map { ($0.folder, $0.weight) }, folder: command.output)
    run.resume = command.resume
    run.initialCheckpoint = command.initializeFrom
    run.tokenizer = command.tokenizer
    run.threads = command.threads
    return run
  }
}

/// A corpus and its weight: `DIR` or `DIR:0.7`.
struct WeightedFolder: ExpressibleByArgument {
  /// As the user gave it.
  let argument: String
  let folder: String
  let weight: Double

  /// Only a number after the last colon is a weight, so that folder names may have colons.
  init(argument: String) {
    self.argument = argument
    if let colon = argument.lastIndex(of: ":"),
      let weight = Self.number(argument[argument.index(after: colon)...])
    {
      (folder, self.weight) = (String(argument[..<colon]), weight)
    } else {
      (folder, weight) = (argument, 1)
    }
  }

  func validate() throws {
    guard weight > 0, weight.isFinite else {
      throw ValidationError("--data \(argument): a weight must be above 0.")
    }
    guard !folder.isEmpty else { throw ValidationError("--data \(argument): the folder is missing.") }
  }

  /// A decimal number; not the words that Swift also accepts, such as nan.
  private static func number(_ text: Substring) -> Double? {
    text.allSatisfy { "+-.eE".contains($0) || ("0"..."9").contains($0) } ? Double(text) : nil
  }
}

extension Mixture {
  /// - Throws: `UserError` if a folder holds no valid corpus, or the corpora cannot be mixed.
  init(_ folders: [WeightedFolder]) throws {
    try self.init(folders.map { (corpus: try Corpus(opening: FilePath($0.folder)), weight: $0.weight) })
  }
}
