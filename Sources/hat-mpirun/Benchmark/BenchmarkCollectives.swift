import ArgumentParser
import Foundation
import HATDistributed

/// Gradient sum and parameter update of many sizes, ours against the MPI library's.
struct BenchmarkCollectives: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collectives",
    abstract: "Measure gradient sum and parameter update, visible to all ranks, against the MPI library's.",
    discussion: """
      Three ways, one after the other in every try, the median of the slowest rank's seconds: ours; MPI_Allreduce and the \
      whole update on every rank; MPI_Reduce_scatter, the update of a slice, and MPI_Allgatherv.
      """)

  @Option(help: "Ranks to start mpirun with; without it as many as there are cores.")
  var ranks: Int?

  @Option(help: "Machines to run on, one a line with its slots (see hostfiles/).")
  var hostfile: String?

  @Option(help: "Bytes of the smallest gradient.")
  var smallest = ByteSize(bytes: 1 << 10)

  @Option(help: "Bytes of the largest gradient.")
  var largest = ByteSize(bytes: 256 << 20)

  @Option(help: "Seconds to measure each size for, about.")
  var seconds = 2.0

  @Flag(help: "Print one JSON object a size.")
  var json = false

  func validate() throws {
    guard smallest.bytes >= 4 && largest.bytes >= smallest.bytes && largest.bytes <= 4 << 30 else {
      throw ValidationError("--smallest must be at least 4 bytes, --largest not below it and at most 4GiB.")
    }
    guard ranks ?? 1 >= 1 else { throw ValidationError("--ranks must be at least 1.") }
    guard hostfile == nil || ranks != nil else {
      throw ValidationError("--hostfile needs --ranks, the number of ranks on all hosts together.")
    }
  }

  func run() throws {
    if !MPICommunicator.isLaunched { Foundation.exit(try launch()) }
    let communicator = try MPICommunicator()
    do {
      try measure(on: communicator)
      try communicator.finalize()
    } catch {
      let shared = SharedError(error)
      TrainProgress.say("error: \(shared)")
      communicator.abort(exitCode: shared.exitCode)
    }
  }

  private func launch() throws -> Int32 {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let arguments =
      ["benchmark", "collectives", "--smallest", "\(smallest.bytes)", "--largest", "\(largest.bytes)"]
      + ["--seconds", "\(seconds)"] + (json ? ["--json"] : [])
    return try Supervisor(restarts: 0) { TrainProgress.say($0) }.run { _ in
      MPIJob(
        program: program, arguments: arguments, ranks: ranks ?? ProcessorCores.available(), hostfile: hostfile
      )
    }
  }

  private func measure(on communicator: MPICommunicator) throws {
    let isFirst = communicator.rank == 0
    let benchmark = CollectiveBenchmark(communicator)
    var results: [CollectiveBenchmark.Result] = []
    var bytes = smallest.bytes
    while bytes <= largest.bytes {
      results.append(try benchmark.measure(bytes: bytes / 4 * 4, seconds: seconds))
      if isFirst && json { try JSONOutput.print(results.last!) }
      bytes *= 4
    }
    if isFirst && !json { show(results) }
  }

  private func show(_ results: [CollectiveBenchmark.Result]) {
    func milliseconds(_ seconds: Double) -> String { Amount.fixed(1000 * seconds, 3) }
    print("\(results[0].ranks) ranks, \(results[0].nodes) nodes; milliseconds, and how many times ours")
    TextTable.show(
      [["gradient", "ours", "MPI_Allreduce", "", "MPI_Reduce_scatter + MPI_Allgatherv", ""]]
        + results.map { result in
          [
            Amount.memory(result.bytes), milliseconds(result.oursSeconds),
            milliseconds(result.allReduceSeconds),
            Amount.fixed(result.allReduceSeconds / result.oursSeconds, 1),
            milliseconds(result.reduceScatterAllGatherSeconds),
            Amount.fixed(result.reduceScatterAllGatherSeconds / result.oursSeconds, 1),
          ]
        })
  }
}
