import HATStorage

/// The pass that finds documents with the same text, before shards are written.
extension Preprocessor {
  /// Writes the hashes of every document, unit by unit, as far as this process can claim them.
  func hashDocuments() throws {
    let pass = HashPass(folder, try DocumentParser(settings), total: plan.inputBytes, report: report)
    do {
      try plan.visit(pass, hasStandardInput: false)
    } catch is StoppedElsewhere {
      return
    } catch {
      folder.requestStop()
      throw error
    }
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
  private let folder: WorkFolder
  private let parser: DocumentParser
  private let report: (PreprocessProgress) -> Void
  private var progress = PreprocessProgress()
  private var checksum = RunningChecksum()
  private var hashes: [ContentHash] = []

  init(
    _ folder: WorkFolder, _ parser: DocumentParser, total: Int?,
    report: @escaping (PreprocessProgress) -> Void
  ) {
    (self.folder, self.parser, self.report) = (folder, parser, report)
    progress.total = total
    progress.isLookingForDuplicates = true
  }

  func begin(_ unit: WorkUnit) throws -> Bool {
    guard try folder.claim(unit, .hashes) else { return false }
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
    try UnitHashes(inputChecksum: checksum.checksum, hashes: hashes).write(unit, in: folder)
  }

  func advance(to position: Int) throws {
    if folder.isStopRequested { throw StoppedElsewhere() }
    progress.position = position
    report(progress)
  }
}
