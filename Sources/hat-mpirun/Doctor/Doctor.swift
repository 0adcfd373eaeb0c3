import ArgumentParser
import HATDistributed
import HATStorage
import HATTerminal

/// Looks at the machines of a job for what goes wrong on clusters.
struct Doctor: ParsableCommand, RunsOnAnyProcessor {
  static let configuration = CommandConfiguration(
    abstract: "Look at what goes wrong on clusters, on this machine or all of a job, and say what to do.",
    discussion: """
      Alone it looks at this machine. With --ranks, or started under mpirun or srun, it looks at all machines of the job, \
      and at what is between them. It takes a few seconds, and never more than six times --time-limit and half a minute.

      Each line is a check: fine, a note (training works, but slower or less safely than it could), or WRONG. Ends with \
      exit code 78 if something is wrong, and with 70 if a machine does not answer.
      """)

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Corpora that all machines are to see.", valueName: "DIR"))
  var data: [String] = []

  @Option(help: ArgumentHelp("The folder of a run, or of one to come.", valueName: "RUN"))
  var output: String?

  @Option(help: "Start mpirun with this many ranks (default: one process).")
  var ranks: Int?

  @Option(help: "Machines to run on, one per line with its slots (see hostfiles/).")
  var hostfile: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Further arguments for mpirun.", valueName: "options"))
  var mpirunArguments: String?

  @Option(help: ArgumentHelp("Seconds for each check.", valueName: "seconds"))
  var timeLimit = 20.0

  @Flag(help: "Print one JSON object per finding.")
  var json = false

  func validate() throws {
    try OptionLimits.ranks.check("--ranks", ranks)
    try OptionLimits(0.1...3600).check("--time-limit", timeLimit)
    guard mpirunArguments == nil || ranks != nil else {
      throw ValidationError("--mpirun-arguments needs --ranks: without it mpirun is not started.")
    }
    guard hostfile == nil || ranks != nil else {
      throw ValidationError("--hostfile needs --ranks, the number of ranks on all hosts together.")
    }
  }

  func run() throws {
    if Launcher.current != nil || ranks == nil {
      StandardStreams.end(DoctorRank(self).run())
    }
    StandardStreams.end(try launch(ranks: ranks!))
  }

  /// Seconds for `mpirun` beyond those of its ranks.
  private static let launching = 30.0

  /// - Returns: the exit code of the command.
  private func launch(ranks: Int) throws -> Int32 {
    let job = MPIJob(
      program: try RankProgram.executable(), arguments: rankArguments(), ranks: ranks, hostfile: hostfile,
      launcherOptions: mpirunArguments?.split(separator: " ").map(String.init) ?? [],
      environment: Terminal.environment)
    let limit = DiagnosisDeadline.whole(limit: timeLimit) + Self.launching
    return try Supervisor(restarts: 0, timeLimit: limit, continuation: "from the start", note: Terminal.note)
      .run { _ in job }
  }

  private func rankArguments() -> [String] {
    var arguments = ["doctor", "--time-limit", "\(timeLimit)"]
    if json { arguments.append("--json") }
    if let output { arguments.append("--output=\(output)") }
    return arguments + data.map { "--data=\($0)" }
  }
}

/// One rank of `doctor`, or the only process.
private struct DoctorRank {
  private let command: Doctor

  init(_ command: Doctor) { self.command = command }

  /// - Returns: the exit code. Errors have been reported, once for all ranks.
  func run() -> Int32 {
    let deadline = DiagnosisDeadline(limit: command.timeLimit)
    let json = command.json
    deadline.watch { finding in
      // Whoever reads has what came before; there is nobody to tell of a failure to write.
      try? Self.show(finding, json: json)
    }
    return RankProgram.run(onAnyProcessor: true) { try examine(on: $0, deadline) }
  }

  private func examine(on communicator: any Communicator, _ deadline: DiagnosisDeadline) throws -> Int32 {
    try communicator.together { try RankProgram.require(ranks: command.ranks, of: communicator) }
    var counts: [Verdict: Int] = [:]
    let diagnosis = Diagnosis(corpora: command.data, run: command.output)
    let gravest = try diagnosis.perform(on: communicator, deadline: deadline) { finding in
      counts[finding.verdict, default: 0] += 1
      try Self.show(finding, json: command.json)
    }
    if communicator.rank == 0 && !command.json {
      let (wrong, notes) = (counts[.wrong] ?? 0, counts[.worthKnowing] ?? 0)
      try StandardOutput.write("\(wrong) wrong, \(notes) worth knowing, \(counts[.fine] ?? 0) fine\n".utf8)
    }
    return gravest == .wrong ? UserError.Kind.configuration.exitCode : 0
  }

  /// - Throws: `UserError` of kind `cannotWrite`.
  private static func show(_ finding: Finding, json: Bool) throws {
    let finding = FindingText.withOptions(finding)
    if json {
      try JSONOutput.print(finding)
    } else {
      try StandardOutput.write((FindingText.rows(finding) + "\n").utf8)
    }
  }
}
