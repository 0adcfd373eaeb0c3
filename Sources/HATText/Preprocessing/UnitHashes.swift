import HATStorage

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
    let bytes = try file.read(at: 0, count: file.length)
    (inputChecksum, hashes) = try bytes.withUnsafeBytes { raw in
      var parser = ByteParser(raw)
      let checksum = Checksum(value: try parser.integer(UInt64.self))
      let count = parser.remaining / ContentHash.byteCount
      return (
        checksum,
        try (0..<count).map { _ in
          ContentHash(low: try parser.integer(UInt64.self), high: try parser.integer(UInt64.self))
        }
      )
    }
  }

  static func documents(of unit: WorkUnit, in folder: WorkFolder) throws -> Int {
    (try FileReader(opening: folder.resultPath(unit, .hashes)).length - headerBytes) / ContentHash.byteCount
  }

  func write(_ unit: WorkUnit, in folder: WorkFolder) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headerBytes + hashes.count * ContentHash.byteCount)
    bytes.appendLittleEndian(inputChecksum.value)
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
