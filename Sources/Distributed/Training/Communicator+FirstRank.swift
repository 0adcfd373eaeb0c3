extension Communicator {
  /// Values that rank 0 knows, on every rank: file systems may show the ranks different things.
  /// - Throws: `AgreedFailure` when rank 0 cannot tell.
  public func fromFirstRank<Value: BitwiseCopyable>(_ values: () throws -> [Value]) throws -> [Value] {
    let mine = try together { rank == 0 ? try values() : [] }
    let first = try mine.withUnsafeBytes { try allGather($0) }[0]
    return first.withUnsafeBytes { raw in
      (0..<raw.count / MemoryLayout<Value>.stride).map {
        raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.stride, as: Value.self)
      }
    }
  }
}
