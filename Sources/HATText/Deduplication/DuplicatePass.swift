import HATStorage

/// The pass that finds documents with the same text, or nearly the same, before shards are written.
extension Preprocessor {
  /// Writes the signatures of every document, unit by unit, as far as this process can claim them.
  func writeSignatures(_ rule: DuplicateRule) throws {
    let pass = try SignaturePass(self, rule)
    try stoppingTogether { try plan.visit(pass, hasStandardInput: false) }
  }

  /// Reads all signatures in the order of the corpus, and writes for each unit which documents come again.
  func markDuplicates(_ rule: DuplicateRule) throws {
    let units = try folder.unitsWithSignatures()
    let signatures = try units.map { try UnitSignatures(of: $0, rule, in: folder) }
    let counts = signatures.map(\.documents)
    let marks =
      switch rule {
      case .exact:
        try DuplicateFinder(counts: counts) { part in
          let (low, high) = (try signatures[part].column(0), try signatures[part].column(1))
          return zip(low, high).map { ContentHash(low: $0, high: $1) }
        }.marks
      case .near: try NearDuplicateFinder(counts: counts) { try signatures[$0].column($1) }.marks
      }
    for (index, unit) in units.enumerated() {
      try DurableFile.write(marks.bits(ofPart: index), to: folder.duplicatesPath(unit))
    }
  }
}

/// Makes the signatures of the documents of the units that this process can claim.
private final class SignaturePass: UnitVisitor {
  private let preprocessor: Preprocessor
  private let parser: DocumentParser
  /// Nil where texts are compared by their content hash.
  private var minHash: MinHash?
  private let rule: DuplicateRule
  private var checksum = RunningChecksum()
  private var signatures: [UInt64] = []

  init(_ preprocessor: Preprocessor, _ rule: DuplicateRule) throws {
    (self.preprocessor, self.rule) = (preprocessor, rule)
    parser = try DocumentParser(preprocessor.settings)
    minHash = rule == .near ? MinHash() : nil
  }

  func begin(_ unit: WorkUnit) throws -> Bool {
    guard try preprocessor.folder.claim(unit, .signatures) else { return false }
    (checksum, signatures) = (RunningChecksum(), [])
    return true
  }

  func visit(_ record: InputRecord, of input: InputFile) throws {
    checksum.update(record)
    try parser.parse(record, of: input) { outcome in
      switch outcome {
      case .document(let text, _, _): append(text)
      case .dialogue(let dialogue, _, _): dialogue.bytes.withUnsafeBufferPointer { append($0) }
      case .empty, .null, .invalid, .filtered, .withoutAnswer, .withoutPreference: break
      }
    }
  }

  private func append(_ text: UnsafeBufferPointer<UInt8>) {
    if let bands = minHash?.bands(of: text) {
      signatures += bands
    } else {
      let hash = ContentHash(of: UnsafeRawBufferPointer(text))
      signatures += [hash.low, hash.high]
    }
  }

  func end(_ unit: WorkUnit, inputBytes: Int) throws {
    try UnitSignatures.write(
      signatures, rule, inputChecksum: checksum.checksum, of: unit, in: preprocessor.folder)
  }

  func advance(to position: Int) throws {
    try preprocessor.advance(to: position, isLookingForDuplicates: true)
  }
}
