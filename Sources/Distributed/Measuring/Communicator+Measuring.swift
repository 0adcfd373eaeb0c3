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
