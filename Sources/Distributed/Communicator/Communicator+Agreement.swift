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
    var report: [UInt8] = []
    if case .failure(let error) = result { report = SharedError(error).encoded }
    let reports = try report.withUnsafeBytes { try allGather($0) }
    if let rank = reports.firstIndex(where: { !$0.isEmpty }) {
      throw AgreedFailure(rank: rank, cause: SharedError(encoded: reports[rank]))
    }
    return try result.get()
  }
}
