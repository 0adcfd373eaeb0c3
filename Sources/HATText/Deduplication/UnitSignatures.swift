import HATStorage
import SystemPackage

/// The signatures of the documents of a unit: a file of the checksum of the input they were made of, then the first integer of
/// each document, then the second of each, and so on.
struct UnitSignatures {
  let inputChecksum: Checksum
  let documents: Int
  private let path: FilePath

  private static let headerBytes = 8

  init(of unit: WorkUnit, _ rule: DuplicateRule, in folder: WorkFolder) throws {
    path = folder.resultPath(unit, .signatures)
    let file = try FileReader(opening: path)
    var parser = ByteParser(try file.read(at: 0, count: Self.headerBytes))
    inputChecksum = try parser.checksum()
    documents = (file.length - Self.headerBytes) / (rule.signatureWords * 8)
  }

  /// One integer of the signature of each document.
  func column(_ index: Int) throws -> [UInt64] {
    let bytes = try FileReader(opening: path).read(
      at: Self.headerBytes + index * documents * 8, count: documents * 8)
    return bytes.withUnsafeBytes { bytes in
      (0..<documents).map {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
      }
    }
  }

  /// - Parameter signatures: one document after the other.
  static func write(
    _ signatures: [UInt64], _ rule: DuplicateRule, inputChecksum: Checksum, of unit: WorkUnit,
    in folder: WorkFolder
  ) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(headerBytes + signatures.count * 8)
    bytes.append(inputChecksum)
    for column in 0..<rule.signatureWords {
      for index in stride(from: column, to: signatures.count, by: rule.signatureWords) {
        bytes.appendLittleEndian(signatures[index])
      }
    }
    try DurableFile.write(bytes, to: folder.resultPath(unit, .signatures))
  }
}

/// Which documents of a unit are to be left out, for the pass that writes shards.
struct UnitDuplicates {
  let rule: DuplicateRule
  private let unit: WorkUnit
  private let marks: [UInt8]
  private let inputChecksum: Checksum
  private let documents: Int

  init(of unit: WorkUnit, _ rule: DuplicateRule, in folder: WorkFolder) throws {
    let signatures = try UnitSignatures(of: unit, rule, in: folder)
    let file = try FileReader(opening: folder.duplicatesPath(unit))
    (self.unit, self.rule) = (unit, rule)
    (inputChecksum, documents) = (signatures.inputChecksum, signatures.documents)
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
