import HATCore
import HATKernels

/// Predicts how long the ranks of a node take to sum a gradient and update the parameters: a latency, plus the bytes a rank
/// reads and writes divided by a bandwidth.
public struct ReductionModel: Sendable, Equatable {
  /// A measured sum and update.
  public struct Point: Sendable, Equatable {
    /// Bytes of the gradient.
    public var bytes: Int
    /// All on one node.
    public var ranks: Int
    public var seconds: Double

    public init(bytes: Int, ranks: Int, seconds: Double) {
      (self.bytes, self.ranks, self.seconds) = (bytes, ranks, seconds)
    }
  }

  /// Seconds, for any size.
  public var latency: Double
  /// Bytes a second of one rank, while all ranks of the node read and write.
  public var bandwidth: Double

  /// Fits the model by least squares of the relative errors.
  /// - Parameter points: of at least two sizes.
  public init(fitting points: [Point]) {
    // t ≈ latency + traffic / bandwidth, each equation divided by its t: two normal equations.
    var (aa, ab, bb, a, b) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for point in points {
      let weight = 1 / point.seconds
      let traffic = Self.traffic(bytes: point.bytes, ranks: point.ranks) * weight
      aa += weight * weight
      ab += weight * traffic
      bb += traffic * traffic
      a += weight
      b += traffic
    }
    let determinant = aa * bb - ab * ab
    precondition(determinant > 0, "points of a single size do not determine the latency")
    latency = max(0, (a * bb - b * ab) / determinant)
    bandwidth = bb / (b - latency * ab)
  }

  public func seconds(bytes: Int, ranks: Int) -> Double {
    latency + Self.traffic(bytes: bytes, ranks: ranks) / bandwidth
  }

  /// |predicted - measured| / measured for each point.
  public func errors(on points: [Point]) -> [Double] {
    points.map { abs(seconds(bytes: $0.bytes, ranks: $0.ranks) - $0.seconds) / $0.seconds }
  }

  /// Bytes a rank reads and writes: its slice of every rank's gradient, the sum, and four buffers read and three written in
  /// the update.
  static func traffic(bytes: Int, ranks: Int) -> Double {
    let slice = Double(bytes) / Double(ranks)
    return slice * Double(ranks) + slice + 7 * slice
  }
}

/// One gradient sum and parameter update of a model with a single tensor, shared with all ranks: `benchmark scaling`
/// measures it to predict a cluster.
package final class SumAndUpdate {
  private let parameters: ParameterStore
  private let gradients: GradientStore
  private let update: TensorUpdate

  /// Allocates the memory. Collective.
  /// - Parameter count: floats of the gradient.
  package init(count: Int, on communicator: any Communicator) throws {
    let clock = PhaseClock()
    let sharding = try Sharding(
      stage: 1, nodes: communicator.nodes, TensorUpdate.table(count), TensorUpdate.rule,
      microBatches: communicator.size)
    parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
    gradients = try GradientStore(
      communicator: communicator, sharding: sharding, format: .float32, clock: clock)
    update = TensorUpdate(
      sharding.updatedRanges(ofRank: communicator.rank), of: parameters.own, gradient: gradients.sum.floats)
  }

  package func run() throws {
    try gradients.accumulate(with: parameters) { _, _ in }
    update.run()
    try parameters.share()
  }
}

/// The optimiser's update of slices of one tensor.
package struct TensorUpdate {
  private let optimizer: ShardedOptimizer

  /// - Parameters:
  ///   - parameters: of which `ranges` exist.
  ///   - gradient: of which `ranges` exist.
  package init(_ ranges: [Range<Int>], of parameters: FloatBuffer, gradient: FloatBuffer) {
    optimizer = ShardedOptimizer(
      Self.rule, Self.table(parameters.count), ranges, parameters: parameters, gradient: gradient)
  }

  package func run() {
    optimizer.update(at: OptimizerStep(1, learningRate: 1e-3, gradientScale: 1))
  }

  fileprivate static var rule: any OptimizerRule { TrainingConfiguration().optimizerRule }

  fileprivate static func table(_ count: Int) -> TensorTable {
    TensorTable([
      Tensor(
        name: "matrix", shape: [count], role: .hiddenMatrix, unit: .front,
        initialValues: .normal(deviation: 1), start: 0)
    ])
  }
}

extension Communicator {
  /// Measures alternatives in turn, so that other load on the machine affects all of them equally.
  /// - Parameter seconds: roughly how long to measure. Each alternative runs once to warm up and then at least five times.
  /// - Returns: for each alternative the median of the seconds on the slowest rank.
  package func medianSeconds(of ways: [() throws -> Void], for seconds: Double) throws -> [Double] {
    for way in ways { try way() }
    var times: [[Double]] = ways.map { _ in [] }
    var spent = 0.0
    repeat {
      for (index, way) in ways.enumerated() {
        try barrier()
        let start = ContinuousClock().now
        try way()
        let slowest = try values((ContinuousClock().now - start) / .seconds(1)).max()!
        times[index].append(slowest)
        spent += slowest
      }
    } while times[0].count < 5 || (spent < seconds && times[0].count < 1000)
    return times.map { $0.sorted()[$0.count / 2] }
  }

  /// Collects a number from every rank, on every rank. Unlike `allGather` as JSON, also numbers that are not finite.
  package func values(_ own: Double) throws -> [Double] {
    try withUnsafeBytes(of: own) { try allGather($0) }.map {
      $0.withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
    }
  }
}
