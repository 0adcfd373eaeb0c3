import ArgumentParser
import Foundation
import HATDistributed

/// How fast a configuration trains here, and how close that is to what the machine can do.
struct BenchmarkTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Measure training steps: speed, where the time goes, memory, allocations.",
    discussion: """
      Speed is told in bytes of text, and in floating-point operations of the plain algorithm against the rate at which \
      OpenBLAS multiplies matrices of 1024 × 1024 on the same cores in the same run. Reading the text is not part of \
      a measured step. Without --data it is a page of Hamlet.
      """)

  @Option(help: "The configuration, such as configs/tiny.yaml.")
  var config: String

  @Option(help: "A corpus made by preprocess.")
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Of a model of kind subword: its tokenizer, as tokenizer learn wrote it.", valueName: "FILE"))
  var tokenizer: String?

  @Option(help: "Start mpirun with that many ranks; one process without it.")
  var ranks: Int?

  @Option(help: "Threads of each rank; as many as the ranks leave cores for without it.")
  var threads: Int?

  @Option(help: "Steps to measure.")
  var steps = 5

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard steps >= 1 else { throw ValidationError("--steps must be at least 1.") }
    guard threads ?? 1 >= 1 else { throw ValidationError("--threads must be at least 1.") }
    guard ranks ?? 1 >= 1 else { throw ValidationError("--ranks must be at least 1.") }
  }

  func run() throws {
    if MPICommunicator.isLaunched || ranks == nil {
      Foundation.exit(RankProgram.run { try BenchmarkTrainRank(self).run(on: $0) })
    }
    Foundation.exit(try launch(ranks: ranks!))
  }

  private func launch(ranks: Int) throws -> Int32 {
    let program = try RankProgram.executable()
    let choice = try ThreadChoice(wanted: threads, ranks: ranks, cores: ProcessorCores.available())
    var arguments = [
      "benchmark", "train", "--config", config, "--steps", String(steps), "--threads", String(choice.threads),
    ]
    if json { arguments.append("--json") }
    if let data { arguments += ["--data", data] }
    if let tokenizer { arguments += ["--tokenizer", tokenizer] }
    for override in overrides { arguments += ["--set", override] }
    return try Supervisor(restarts: 0) { TrainProgress.say($0) }.run { [arguments] _ in
      MPIJob(program: program, arguments: arguments, ranks: ranks, threadsPerRank: choice.threads)
    }
  }
}
