extension Communicator {
  /// Whole numbers that rank 0 knows, on every rank: file systems may show the ranks different things.
  /// - Throws: `AgreedFailure` when rank 0 cannot tell.
  func fromFirstRank(_ numbers: () throws -> [Int]) throws -> [Int] {
    let mine = try together { rank == 0 ? try numbers() : [] }
    let first = try mine.withUnsafeBytes { try allGather($0) }[0]
    return first.withUnsafeBytes { raw in
      (0..<raw.count / MemoryLayout<Int>.stride).map {
        raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Int>.stride, as: Int.self)
      }
    }
  }
}
