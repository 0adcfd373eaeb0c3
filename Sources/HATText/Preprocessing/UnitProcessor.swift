import Dispatch
import HATStorage
import SystemPackage

/// Turns the records of one unit of work into its shards.
final class UnitProcessor {
  private let unit: WorkUnit
  private let folder: WorkFolder
  private let tools: Tools
  private let checksum = RunningChecksum()
  private var writers: [CorpusPart: ShardWriter] = [:]
  private var leftOut = LeftOutCounts()
  private var longestPair: SequenceSize?
  private var (records, documents) = (0, 0)
  /// Nil where duplicates are kept.
  private let duplicates: UnitDuplicates?

  /// What all units of a run share.
  final class Tools {
    let kind: DocumentKind
    let splitter: WordSplitter
    let parser: DocumentParser
    let compressor: ZstdCompressor
    let holdout: HoldoutRule
    let duplicateRule: DuplicateRule?
    var lengths: [UInt32] = []

    init(_ settings: PreprocessSettings) throws {
      (kind, splitter) = (settings.documents, settings.splitter)
      parser = try DocumentParser(settings)
      compressor = ZstdCompressor(level: settings.level)
      holdout = HoldoutRule(share: settings.holdout)
      duplicateRule = settings.deduplicate
    }
  }

  init(_ unit: WorkUnit, folder: WorkFolder, tools: Tools) throws {
    (self.unit, self.folder, self.tools) = (unit, folder, tools)
    duplicates = try tools.duplicateRule.map { try UnitDuplicates(of: unit, $0, in: folder) }
  }

  /// In all its shards so far.
  var bytesWritten: Int { writers.values.reduce(0) { $0 + $1.bytesWritten } }

  /// - Throws: `UserError`: `invalidData`, `cannotWrite`.
  func process(_ record: InputRecord, of input: InputFile) throws {
    checksum.update(record)
    records += 1
    try tools.parser.parse(record, of: input) { outcome in
      switch outcome {
      case .empty: leftOut.empty += 1
      case .null: leftOut.null += 1
      case .invalid: leftOut.invalid += 1
      case .filtered(let reason): leftOut[keyPath: reason.count] += 1
      case .withoutAnswer: leftOut.withoutAnswer += 1
      case .withoutPreference: leftOut.withoutPreference += 1
      case .document(let text, let metadata, let wasRepaired):
        guard takes(wasRepaired: wasRepaired) else { return }
        try append(text, metadata: metadata)
      case .dialogue(let dialogue, let metadata, let wasRepaired):
        guard takes(wasRepaired: wasRepaired) else { return }
        try append(dialogue, metadata: metadata)
      }
    }
  }

  /// Counts a document.
  /// - Returns: false where it repeats an earlier one and is left out.
  private func takes(wasRepaired: Bool) -> Bool {
    documents += 1
    if let duplicates, duplicates[documents - 1] {
      switch duplicates.rule {
      case .exact: leftOut.duplicate += 1
      case .near: leftOut.nearDuplicate += 1
      }
      return false
    }
    if wasRepaired { leftOut.repaired += 1 }
    return true
  }

  private func append(_ text: UnsafeBufferPointer<UInt8>, metadata: [UInt8]) throws {
    tools.splitter.split(text, into: &tools.lengths)
    let checksum = Checksum(of: UnsafeRawBufferPointer(text))
    try writer(tools.holdout.part(ofTextWith: checksum)).append(
      text, checksum: checksum, words: tools.lengths, metadata: metadata)
  }

  private func append(_ dialogue: MarkedText, metadata: [UInt8]) throws {
    let part = tools.holdout.part(ofTextWith: Checksum(of: dialogue.holdoutKey))
    try dialogue.bytes.withUnsafeBufferPointer {
      try writer(part).append(
        $0, checksum: Checksum(of: dialogue.bytes), words: dialogue.wordLengths, counted: dialogue.counted,
        metadata: metadata)
    }
    if tools.kind == .preferences {
      longestPair = .larger(
        longestPair,
        SequenceSize(ofPairWithWords: dialogue.wordLengths.count, bytes: dialogue.bytes.count))
    }
  }

  private func writer(_ part: CorpusPart) throws -> ShardWriter {
    if let writer = writers[part] { return writer }
    let path = folder.path.appending("\(part.rawValue)-\(unit.name)\(ShardFormat.fileExtension)")
    let writer = try ShardWriter(
      creating: path, tools.kind, splitter: tools.splitter, compressor: tools.compressor)
    writers[part] = writer
    return writer
  }

  /// Whoever calls it lets go of the processor.
  /// - Throws: `UserError`: `cannotWrite`; `invalidData` when the input is no longer what it was.
  func finish(inputBytes: Int) throws -> FinishedUnit {
    try duplicates?.requireSameInput(checksum.checksum, documents: documents)
    let record = UnitRecord(
      group: unit.group, slice: unit.slice, inputBytes: inputBytes, records: records,
      inputChecksum: checksum.checksum, train: try writers[.train]?.finish(),
      holdout: try writers[.holdout]?.finish(), leftOut: leftOut, longestPair: longestPair)
    return FinishedUnit(writers: Array(writers.values), record: record, folder: folder)
  }

  /// Removes what is written.
  func abandon() {
    for writer in writers.values { writer.abandon() }
  }
}

extension RunningChecksum {
  /// Takes in a record, and where it ends.
  func update(_ record: InputRecord) {
    update(record.row?.isNull == true ? nil : record.bytes)
    for field in record.row?.fields ?? [] { update(field) }
  }

  /// Takes in some bytes, and how many they are; or that there are none.
  private func update(_ bytes: UnsafeBufferPointer<UInt8>?) {
    if let bytes { update(UnsafeRawBufferPointer(bytes)) }
    withUnsafeBytes(of: (bytes.map { UInt64($0.count) } ?? .max).littleEndian) { update($0) }
  }
}

extension DocumentFilter.Reason {
  /// Where it is counted.
  fileprivate var count: WritableKeyPath<LeftOutCounts, Int> {
    switch self {
    case .tooShort: \.tooShort
    case .tooLong: \.tooLong
    case .withoutMetadata: \.withoutMetadata
    case .lowLanguageScore: \.lowLanguageScore
    case .unmatched: \.unmatched
    }
  }
}

/// The shards of a unit, written but not yet flushed, and its record. Unchecked: whoever made it lets go of it.
struct FinishedUnit: @unchecked Sendable {
  fileprivate var writers: [ShardWriter]
  fileprivate var record: UnitRecord
  fileprivate var folder: WorkFolder

  /// Flushes the shards and gives them their names, then writes the record.
  /// - Throws: `UserError` of kind `cannotWrite`; then nothing is left that takes room.
  fileprivate func commit() throws {
    do {
      for writer in writers { try writer.commit() }
      try JSONFile.write(record, to: folder.resultPath(record.unit, .shards))
    } catch {
      for writer in writers { writer.abandon() }
      throw error
    }
  }
}

/// Brings finished units to the disk while the next one is made: flushing takes a disk long, and a core nothing.
///
/// One unit at a time, so that no more than one waits. Unchecked: `result` is touched on the queue alone.
final class UnitCommitter: @unchecked Sendable {
  private let queue = DispatchQueue(label: "units to the disk")
  private var result = Result<Void, any Error>.success(())

  /// Waits for the unit before, and begins with this one.
  /// - Throws: what went wrong with a unit before.
  func commit(_ unit: FinishedUnit) throws {
    try wait()
    queue.async { self.result = Result { try unit.commit() } }
  }

  /// Returns when all is on the disk.
  /// - Throws: what went wrong.
  func wait() throws {
    try queue.sync { result }.get()
  }
}
