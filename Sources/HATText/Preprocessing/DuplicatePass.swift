import HATStorage

/// The pass that finds documents with the same text, before shards are written.
extension Preprocessor {
  /// Writes the hashes of every document, unit by unit, as far as this process can claim them.
  func hashDocuments() throws {
    let pass = try HashPass(self)
    try stoppingTogether { try plan.visit(pass, hasStandardInput: false) }
  }

  /// Reads all hashes in the order of the corpus, and writes for each unit which documents come again.
  func markDuplicates() throws {
    let units = try folder.hashedUnits()
    let finder = try DuplicateFinder(counts: units.map { try UnitHashes.documents(of: $0, in: folder) }) {
      try UnitHashes(of: units[$0], in: folder).hashes
    }
    for (index, unit) in units.enumerated() {
      try DurableFile.write(finder.marks(ofPart: index), to: folder.duplicatesPath(unit))
    }
  }
}

/// Hashes the documents of the units that this process can claim.
private final class HashPass: UnitVisitor {
  private let preprocessor: Preprocessor
  private let parser: DocumentParser
  private var checksum = RunningChecksum()
  private var hashes: [ContentHash] = []

  init(_ preprocessor: Preprocessor) throws {
    self.preprocessor = preprocessor
    parser = try DocumentParser(preprocessor.settings)
  }

  func begin(_ unit: WorkUnit) throws -> Bool {
    guard try preprocessor.folder.claim(unit, .hashes) else { return false }
    (checksum, hashes) = (RunningChecksum(), [])
    return true
  }

  func visit(_ record: InputRecord, of input: InputFile) throws {
    checksum.update(record)
    try parser.parse(record, of: input) { outcome in
      if case .document(let text, _, _) = outcome {
        hashes.append(ContentHash(of: UnsafeRawBufferPointer(text)))
      }
    }
  }

  func end(_ unit: WorkUnit, inputBytes: Int) throws {
    let hashes = UnitHashes(inputChecksum: checksum.checksum, hashes: hashes)
    try hashes.write(unit, in: preprocessor.folder)
  }

  func advance(to position: Int) throws {
    try preprocessor.advance(to: position, isLookingForDuplicates: true)
  }
}

/// Finds what comes again in a sequence of hashes that lies in parts. It takes a bit for each document, and a table for
/// as many as are looked at in one go; where there are more the parts are read several times.
struct DuplicateFinder {
  /// A table of that many takes 1 GiB.
  static let documentsPerRound = 50_000_000

  private let documents: Partition
  private var isDuplicate: [UInt64]

  /// - Parameters:
  ///   - counts: how many documents each part has.
  ///   - hashes: of a part.
  init(
    counts: [Int], documentsPerRound: Int = documentsPerRound, hashes: (Int) throws -> [ContentHash]
  ) throws {
    documents = Partition(lengths: counts)
    let total = documents.end
    isDuplicate = Array(repeating: 0, count: (total + 63) / 64)
    let rounds = max(1, (total + documentsPerRound - 1) / documentsPerRound)
    for round in 0..<rounds {
      var seen = Set<ContentHash>()
      seen.reserveCapacity(total / rounds)
      for part in counts.indices {
        for (index, hash) in try hashes(part).enumerated()
        where hash.high.multipliedFullWidth(by: UInt64(rounds)).high == round {
          if !seen.insert(hash).inserted { mark(documents.starts[part] + index) }
        }
      }
    }
  }

  private mutating func mark(_ document: Int) {
    isDuplicate[document / 64] |= 1 << (document % 64)
  }

  /// A bit for each document of a part that comes again, the first lowest.
  func marks(ofPart part: Int) -> [UInt8] {
    let documents = documents[part]
    var marks = [UInt8](repeating: 0, count: (documents.count + 7) / 8)
    for (index, document) in documents.enumerated()
    where isDuplicate[document / 64] >> (document % 64) & 1 == 1 {
      marks[index / 8] |= 1 << (index % 8)
    }
    return marks
  }
}

/// The hashes of the documents of a unit: a file of the checksum of the input they were made of, then 16 bytes each.
struct UnitHashes {
  var inputChecksum: Checksum
  var hashes: [ContentHash]

  private static let headerBytes = 8

  init(inputChecksum: Checksum, hashes: [ContentHash]) {
    (self.inputChecksum, self.hashes) = (inputChecksum, hashes)
  }

  init(of unit: WorkUnit, in folder: WorkFolder) throws {
    let file = try FileReader(opening: folder.resultPath(unit, .hashes))
    var parser = ByteParser(try file.read(at: 0, count: file.length))
    inputChecksum = try parser.checksum()
    hashes = try (0..<parser.remaining / ContentHash.byteCount).map { _ in
      ContentHash(low: try parser.integer(UInt64.self), high: try parser.integer(UInt64.self))
    }
  }

  static func documents(of unit: WorkUnit, in folder: WorkFolder) throws -> Int {
    (try FileReader(opening: folder.resultPath(unit, .hashes)).length - headerBytes) / ContentHash.byteCount
  }

  func write(_ unit: WorkUnit, in folder: WorkFolder) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headerBytes + hashes.count * ContentHash.byteCount)
    bytes.append(inputChecksum)
    for hash in hashes {
      bytes.appendLittleEndian(hash.low)
      bytes.appendLittleEndian(hash.high)
    }
    try DurableFile.write(bytes, to: folder.resultPath(unit, .hashes))
  }
}

/// Which documents of a unit are to be left out, for the pass that writes shards.
struct UnitDuplicates {
  private let unit: WorkUnit
  private let marks: [UInt8]
  private let inputChecksum: Checksum
  private let documents: Int

  init(of unit: WorkUnit, in folder: WorkFolder) throws {
    let hashes = try UnitHashes(of: unit, in: folder)
    let file = try FileReader(opening: folder.duplicatesPath(unit))
    (self.unit, inputChecksum, documents) = (unit, hashes.inputChecksum, hashes.hashes.count)
    marks = try file.read(at: 0, count: file.length)
  }

  subscript(document: Int) -> Bool {
    document / 8 < marks.count && marks[document / 8] >> (document % 8) & 1 == 1
  }

  /// - Throws: `UserError` of kind `invalidData`.
  func requireSameInput(_ checksum: Checksum, documents: Int) throws {
    guard checksum == inputChecksum, documents == self.documents else {
      throw UserError(
        .invalidData, at: "unit \(unit.name)", "the input was changed while it was read",
        hint: "Preprocess it into a new folder.")
    }
  }
}
