import ArgumentParser
import Foundation
import HATDistributed
import HATStorage
import HATTerminal

/// How fast a configuration trains here, and how close that is to what the machine can do.
struct BenchmarkTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Measure training steps: speed, where the time goes, memory, allocations.",
    discussion: """
      Speed is reported in bytes of text, and in floating-point operations of the plain algorithm relative to the rate \
      at which OpenBLAS multiplies matrices of 1024 × 1024 on the same cores in the same run. Reading text is not part \
      of a measured step. Without --data, the text is a page of Hamlet. Allocations are counted where the counter is \
      preloaded (docs/performance.md).
      """)

  @Option(help: "The configuration, such as configs/tiny.yaml.")
  var config: String

  @Option(help: "A corpus made by preprocess.")
  var data: String?

  @Option(
    help: ArgumentHelp(
      "For a model of kind subword: its tokenizer, written by `tokenizer learn`.", valueName: "FILE"))
  var tokenizer: String?

  @Option(help: "Start mpirun with this many ranks (default: one process).")
  var ranks: Int?

  @Option(help: "Threads of each rank (default: as many as the ranks leave cores for).")
  var threads: Int?

  @Option(help: "Steps to measure.")
  var steps = 5

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Override a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try OptionLimits(1...10_000).check("--steps", steps)
    try OptionLimits.threads.check("--threads", threads)
    try OptionLimits.ranks.check("--ranks", ranks)
  }

  func run() throws {
    if Launcher.current != nil || ranks == nil {
      StandardStreams.end(
        RankProgram.run { communicator in
          try communicator.together { try RankProgram.require(ranks: ranks, of: communicator) }
          return try BenchmarkTrainRank(self).run(on: communicator)
        })
    }
    StandardStreams.end(try launch(ranks: ranks!))
  }

  private func launch(ranks: Int) throws -> Int32 {
    let threads = try ThreadChoice.threadsPerRank(wanted: threads, ranks: ranks)
    return try RankProgram.start(
      ranks: ranks, threadsPerRank: threads, adding: ["--threads", String(threads)])
  }
}
