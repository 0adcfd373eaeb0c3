import HATStorage

/// Finds what comes again in a sequence of hashes that lies in parts. It takes a bit for each document, and a table for
/// as many as are looked at in one go; where there are more the parts are read several times.
struct DuplicateFinder {
  /// A table of that many takes 1 GiB.
  static let documentsPerRound = 50_000_000

  private let starts: [Int]
  private var isDuplicate: [UInt64]

  /// - Parameters:
  ///   - counts: how many documents each part has.
  ///   - hashes: of a part.
  init(
    counts: [Int], documentsPerRound: Int = documentsPerRound, hashes: (Int) throws -> [ContentHash]
  ) throws {
    starts = counts.reduce(into: [0]) { $0.append($0.last! + $1) }
    let total = starts.last!
    isDuplicate = Array(repeating: 0, count: (total + 63) / 64)
    let rounds = max(1, (total + documentsPerRound - 1) / documentsPerRound)
    for round in 0..<rounds {
      var seen = Set<ContentHash>()
      seen.reserveCapacity(total / rounds)
      for part in counts.indices {
        for (index, hash) in try hashes(part).enumerated()
        where hash.high.multipliedFullWidth(by: UInt64(rounds)).high == round {
          if !seen.insert(hash).inserted { mark(starts[part] + index) }
        }
      }
    }
  }

  private mutating func mark(_ document: Int) {
    isDuplicate[document / 64] |= 1 << (document % 64)
  }

  /// A bit for each document of a part that comes again, the first lowest.
  func marks(ofPart part: Int) -> [UInt8] {
    var marks = [UInt8](repeating: 0, count: (starts[part + 1] - starts[part] + 7) / 8)
    for document in starts[part]..<starts[part + 1]
    where isDuplicate[document / 64] >> (document % 64) & 1 == 1 {
      let index = document - starts[part]
      marks[index / 8] |= 1 << (index % 8)
    }
    return marks
  }
}
