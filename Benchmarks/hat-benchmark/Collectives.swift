import ArgumentParser
import Foundation
import HATDistributed
import HATKernels
import HATStorage
import HATTerminal

/// Gradient sum and parameter update of many sizes, ours against the MPI library's.
struct Collectives: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Compare hat's gradient sum and parameter update, visible to all ranks, with the MPI library's.",
    discussion: """
      Three ways, which take turns: hat's; MPI_Allreduce and the whole update on every rank, as plain data parallelism \
      does it; MPI_Reduce_scatter, the update of a slice, and MPI_Allgatherv, as ZeRO stage 1 does it. Reported are \
      seconds on the slowest rank, the median.
      """)

  @Option(help: "Ranks to start mpirun with (default: as many as there are cores).")
  var ranks: Int?

  @Option(help: "Machines to run on, one per line with its slots (see hostfiles/).")
  var hostfile: String?

  @Option(help: "Bytes of the smallest gradient.")
  var smallest = ByteSize(bytes: 1 << 10)

  @Option(help: "Bytes of the largest gradient.")
  var largest = ByteSize(bytes: 256 << 20)

  @Option(help: "Seconds to measure each size for, roughly.")
  var seconds = 2.0

  @Flag(help: "Print one JSON object per size.")
  var json = false

  func validate() throws {
    guard smallest.bytes >= 4 && largest.bytes >= smallest.bytes && largest.bytes <= 4 << 30 else {
      throw ValidationError("--smallest must be at least 4 bytes, and --largest between it and 4GiB.")
    }
    guard ranks ?? 1 >= 1 else { throw ValidationError("--ranks must be at least 1.") }
    guard hostfile == nil || ranks != nil else {
      throw ValidationError("--hostfile needs --ranks, the number of ranks on all hosts together.")
    }
  }

  func run() throws {
    guard Launcher.current != nil else {
      let ranks = ranks ?? ProcessorCores.available()
      StandardStreams.end(try RankProgram.start(ranks: ranks, hostfile: hostfile))
    }
    StandardStreams.end(RankProgram.run(measure))
  }

  /// - Returns: the exit code.
  private func measure(on communicator: any Communicator) throws -> Int32 {
    try communicator.together { try RankProgram.require(ranks: ranks, of: communicator) }
    let sizes = Array(sequence(first: smallest.bytes) { $0 * 4 <= largest.bytes ? $0 * 4 : nil })
    var results: [CollectiveTimes] = []
    for bytes in sizes {
      results.append(try CollectiveTimes(measuring: bytes / 4 * 4, for: seconds, on: communicator))
      if json, communicator.rank == 0 { try JSONOutput.print(results.last!) }
    }
    if !json, communicator.rank == 0 { show(results) }
    return 0
  }

  private func show(_ results: [CollectiveTimes]) {
    func milliseconds(_ seconds: Double) -> String { Amount.fixed(1000 * seconds, 3) }
    print("\(results[0].ranks) ranks on \(results[0].nodes) nodes; milliseconds, and as a multiple of hat's")
    TextTable.show(
      [["gradient", "hat", "MPI_Allreduce", "", "MPI_Reduce_scatter + MPI_Allgatherv", ""]]
        + results.map { result in
          [Amount.memory(result.bytes), milliseconds(result.oursSeconds)]
            + [result.mpiAllreduceSeconds, result.mpiReduceScatterAllgatherSeconds].flatMap {
              [milliseconds($0), Amount.fixed($0 / result.oursSeconds, 1)]
            }
        })
  }
}

/// Seconds of one sum and update on the slowest rank, medians.
private struct CollectiveTimes: Encodable {
  var bytes: Int
  var ranks: Int
  var nodes: Int
  var oursSeconds: Double
  /// `MPI_Allreduce` with the whole update on every rank.
  var mpiAllreduceSeconds: Double
  /// `MPI_Reduce_scatter`, the update of a slice, and `MPI_Allgatherv`.
  var mpiReduceScatterAllgatherSeconds: Double

  /// - Parameter bytes: of the gradient, in floats.
  init(measuring bytes: Int, for seconds: Double, on communicator: any Communicator) throws {
    (self.bytes, ranks, nodes) = (bytes, communicator.size, communicator.nodes.count)
    let ours = try SumAndUpdate(count: bytes / 4, on: communicator)
    let medians = try communicator.medianSeconds(
      of: [
        ours.run, Self.allReduce(count: bytes / 4),
        Self.reduceScatter(RankPartition(count: bytes / 4, ranks: communicator.size), communicator.rank),
      ], for: seconds)
    (oursSeconds, mpiAllreduceSeconds, mpiReduceScatterAllgatherSeconds) = (
      medians[0], medians[1], medians[2]
    )
  }

  private static func allReduce(count: Int) -> () throws -> Void {
    let (parameters, part, sum) = (
      FloatBuffer(zeroed: count), FloatBuffer(zeroed: count), FloatBuffer(zeroed: count)
    )
    let update = TensorUpdate([0..<count], of: parameters, gradient: sum)
    return {
      try MPILibrary.allReduce(part, into: sum)
      update.run()
    }
  }

  private static func reduceScatter(_ partition: RankPartition, _ rank: Int) -> () throws -> Void {
    let (count, slice) = (partition.ranges.last!.upperBound, partition[rank])
    let (parameters, part, sum) = (
      FloatBuffer(zeroed: count), FloatBuffer(zeroed: count), FloatBuffer(reserving: count)
    )
    let update = TensorUpdate([slice], of: parameters, gradient: sum)
    return {
      try MPILibrary.reduceScatter(part, partition, into: sum.base + slice.lowerBound)
      update.run()
      try MPILibrary.allGather(parameters, partition)
    }
  }
}
