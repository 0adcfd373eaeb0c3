extension Communicator {
  /// Does `work` on every rank; when it failed on any, every rank throws the error of the lowest such rank.
  ///
  /// Without this a rank that fails alone would leave the others waiting in their next collective.
  /// - Throws: `AgreedFailure`.
  public func together<Success>(_ work: () throws -> Success) throws -> Success {
    try agree(Result { try work() })
  }

  /// Shares how some work went that every rank has done already.
  /// - Throws: `AgreedFailure` when it failed anywhere.
  public func agree<Success>(_ result: Result<Success, any Error>) throws -> Success {
    guard try anyRank(says: result.error != nil) else { return try result.get() }
    let report = result.error.map { SharedError($0).encoded } ?? []
    let reports = try report.withUnsafeBytes { try allGather($0) }
    let rank = reports.firstIndex { !$0.isEmpty }!
    throw AgreedFailure(rank: rank, cause: SharedError(encoded: reports[rank]))
  }
}

extension Result {
  var error: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
