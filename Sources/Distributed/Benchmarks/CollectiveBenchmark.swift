import HATCore
import HATKernels

/// Measures one gradient sum and parameter update, visible to all ranks, done three ways: ours, by `MPI_Allreduce` with
/// the whole update on every rank (plain data parallelism), and by `MPI_Reduce_scatter`, the update of a slice, and
/// `MPI_Allgatherv` (ZeRO stage 1 by the library).
public struct CollectiveBenchmark {
  /// Seconds of the slowest rank, the median of several tries.
  public struct Result: Sendable, Encodable {
    public var bytes: Int
    public var ranks: Int
    public var nodes: Int
    public var oursSeconds: Double
    public var allReduceSeconds: Double
    public var reduceScatterAllGatherSeconds: Double

    private enum CodingKeys: String, CodingKey {
      case bytes, ranks, nodes
      case oursSeconds = "ours_seconds"
      case allReduceSeconds = "mpi_allreduce_seconds"
      case reduceScatterAllGatherSeconds = "mpi_reduce_scatter_allgather_seconds"
    }
  }

  private let communicator: MPICommunicator

  public init(_ communicator: MPICommunicator) {
    self.communicator = communicator
  }

  /// - Parameters:
  ///   - bytes: of the gradient, in floats.
  ///   - seconds: that it may take, about.
  public func measure(bytes: Int, seconds: Double) throws -> Result {
    let ways = try [
      ownWay(count: bytes / 4), allReduceWay(count: bytes / 4), reduceScatterWay(count: bytes / 4),
    ]
    for way in ways { try way() }
    var times: [[Double]] = ways.map { _ in [] }
    var spent = 0.0
    repeat {
      // One after the other in every try: whatever else the machine does meets all alike.
      for (index, way) in ways.enumerated() {
        times[index].append(try time(way))
        spent += times[index].last!
      }
    } while times[0].count < 5 || (spent < seconds && times[0].count < 1000)
    let medians = times.map { $0.sorted()[$0.count / 2] }
    return Result(
      bytes: bytes, ranks: communicator.size, nodes: communicator.nodes.count, oursSeconds: medians[0],
      allReduceSeconds: medians[1], reduceScatterAllGatherSeconds: medians[2])
  }

  private func time(_ way: () throws -> Void) throws -> Double {
    try communicator.barrier()
    let start = ContinuousClock().now
    try way()
    return try communicator.libraryMaximum((ContinuousClock().now - start) / .seconds(1))
  }

  private func ownWay(count: Int) throws -> () throws -> Void {
    let clock = PhaseClock()
    let units = ModelUnits(count: count, blocks: [])
    let sharding = try Sharding(
      stage: 1, nodes: communicator.nodes, units: units, microBatches: communicator.size)
    let parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
    let gradients = try GradientStore(
      communicator: communicator, sharding: sharding, format: .float32, clock: clock)
    let optimizer = ShardedOptimizer(
      sharding.updatedRanges(ofRank: communicator.rank), of: [.matrix(count)], weightDecay: 0.1)
    return {
      try gradients.accumulate(with: parameters) { _, _ in }
      optimizer.update(
        parameters.own.base, gradient: gradients.sum.base, gradientScale: 1, learningRate: 1e-3, step: 1)
      try parameters.share()
    }
  }

  private func allReduceWay(count: Int) throws -> () throws -> Void {
    let (parameters, part, sum) = (
      FloatBuffer(zeroed: count), FloatBuffer(zeroed: count), FloatBuffer(zeroed: count)
    )
    let optimizer = ShardedOptimizer([0..<count], of: [.matrix(count)], weightDecay: 0.1)
    return { [communicator] in
      try communicator.libraryAllReduce(part.base, into: sum.base, count: count)
      optimizer.update(parameters.base, gradient: sum.base, gradientScale: 1, learningRate: 1e-3, step: 1)
    }
  }

  private func reduceScatterWay(count: Int) throws -> () throws -> Void {
    let partition = RankPartition(count: count, ranks: communicator.size)
    let slice = partition[communicator.rank]
    let (parameters, part, sum) = (
      FloatBuffer(zeroed: count), FloatBuffer(zeroed: count), FloatBuffer(reserving: count)
    )
    let optimizer = ShardedOptimizer([slice], of: [.matrix(count)], weightDecay: 0.1)
    return { [communicator] in
      try communicator.libraryReduceScatter(part.base, partition, into: sum.base + slice.lowerBound)
      optimizer.update(parameters.base, gradient: sum.base, gradientScale: 1, learningRate: 1e-3, step: 1)
      try communicator.libraryAllGather(parameters.base, partition)
    }
  }
}

extension ParameterTensor {
  /// One matrix that is all there is.
  fileprivate static func matrix(_ count: Int) -> ParameterTensor {
    ParameterTensor(name: "matrix", shape: [count], range: 0..<count, initialDeviation: 1)
  }
}
