import HATStorage

/// Finds near duplicates by the hashes of the bands of their signatures (`MinHash`).
///
/// Documents with the same hash of a band are linked, and so are those that are linked to the same one. Of all that are linked,
/// directly or not, the first is kept; the others are duplicates. So the result does not depend on the order of the work.
///
/// It takes 4 bytes and a bit for each document, and a table for as many as are looked at in one go; where there are more, each
/// band is read several times.
struct NearDuplicateFinder {
  /// A table of that many takes 1 GiB at most.
  static let documentsPerRound = 50_000_000

  private(set) var marks: DuplicateMarks
  /// Of each document an earlier one that it is linked to; of the first of a group, itself.
  private var earlier: [UInt32]

  /// - Parameters:
  ///   - counts: how many documents each part has.
  ///   - hashes: of a part in a band, one for each document.
  /// - Throws: `UserError` of kind `wrongUsage` for more documents than have a number.
  init(
    counts: [Int], bands: Int = MinHash.bands, documentsPerRound: Int = documentsPerRound,
    hashes: (_ part: Int, _ band: Int) throws -> [UInt64]
  ) throws {
    marks = DuplicateMarks(counts: counts)
    let total = marks.documents.end
    guard let last = UInt32(exactly: total) else {
      throw UserError(
        .wrongUsage, at: "`deduplicate`",
        "\(total) documents are more than can be compared, \(UInt32.max)",
        hint: "Preprocess the input in parts, or deduplicate it exactly.")
    }
    earlier = Array(0..<last)
    let rounds = max(1, (total + documentsPerRound - 1) / documentsPerRound)
    var first: [UInt64: UInt32] = [:]
    first.reserveCapacity(total / rounds)
    for band in 0..<bands {
      for round in 0..<rounds {
        first.removeAll(keepingCapacity: true)
        for part in counts.indices {
          for (index, hash) in try hashes(part, band).enumerated()
          where hash.multipliedFullWidth(by: UInt64(rounds)).high == round {
            let document = UInt32(marks.documents.starts[part] + index)
            if let other = first[hash] { link(document, other) } else { first[hash] = document }
          }
        }
      }
    }
    for document in 0..<last where earlier[Int(document)] != document { marks.mark(Int(document)) }
  }

  private mutating func link(_ document: UInt32, _ other: UInt32) {
    let (one, two) = (firstOfGroup(document), firstOfGroup(other))
    earlier[Int(max(one, two))] = min(one, two)
  }

  private mutating func firstOfGroup(_ document: UInt32) -> UInt32 {
    var document = document
    while earlier[Int(document)] != document {
      // Each step also halves the way for those that come later.
      earlier[Int(document)] = earlier[Int(earlier[Int(document)])]
      document = earlier[Int(document)]
    }
    return document
  }
}
