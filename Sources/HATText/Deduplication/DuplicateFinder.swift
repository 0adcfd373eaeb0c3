import HATStorage

/// A bit for each document: whether it repeats an earlier one. Documents are numbered through all parts.
struct DuplicateMarks {
  let documents: Partition
  private var isDuplicate: [UInt64]

  /// - Parameter counts: how many documents each part has.
  init(counts: [Int]) {
    documents = Partition(lengths: counts)
    isDuplicate = Array(repeating: 0, count: (documents.end + 63) / 64)
  }

  mutating func mark(_ document: Int) {
    isDuplicate[document / 64] |= 1 << (document % 64)
  }

  /// A bit for each document of a part that comes again, the first lowest.
  func bits(ofPart part: Int) -> [UInt8] {
    let documents = documents[part]
    var marks = [UInt8](repeating: 0, count: (documents.count + 7) / 8)
    for (index, document) in documents.enumerated()
    where isDuplicate[document / 64] >> (document % 64) & 1 == 1 {
      marks[index / 8] |= 1 << (index % 8)
    }
    return marks
  }
}

/// Finds repeated hashes. It needs a bit for each document and a table of `documentsPerRound` hashes; for more documents it reads the
/// parts several times, and looks at a share of the hashes each time.
struct DuplicateFinder {
  /// A table of that many takes 1 GiB.
  static let documentsPerRound = 50_000_000

  private(set) var marks: DuplicateMarks

  /// - Parameters:
  ///   - counts: how many documents each part has.
  ///   - hashes: of a part.
  init(
    counts: [Int], documentsPerRound: Int = documentsPerRound, hashes: (Int) throws -> [ContentHash]
  ) throws {
    marks = DuplicateMarks(counts: counts)
    let total = marks.documents.end
    let rounds = max(1, (total + documentsPerRound - 1) / documentsPerRound)
    for round in 0..<rounds {
      var seen = Set<ContentHash>()
      seen.reserveCapacity(total / rounds)
      for part in counts.indices {
        for (index, hash) in try hashes(part).enumerated()
        where hash.high.multipliedFullWidth(by: UInt64(rounds)).high == round {
          if !seen.insert(hash).inserted { marks.mark(marks.documents.starts[part] + index) }
        }
      }
    }
  }
}
