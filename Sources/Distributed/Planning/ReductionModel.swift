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
