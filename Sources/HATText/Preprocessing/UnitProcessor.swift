import HATStorage
import SystemPackage

/// Turns the records of one unit of work into its shards.
final class UnitProcessor {
  let unit: WorkUnit
  private let folder: WorkFolder
  private let tools: Tools
  private let checksum = RunningChecksum()
  private var writers: [CorpusPart: ShardWriter] = [:]
  private var leftOut = LeftOutCounts()
  private var (records, documents) = (0, 0)
  /// Nil where duplicates are kept.
  private let duplicates: UnitDuplicates?

  /// What all units of a run share.
  final class Tools {
    let splitter: WordSplitter
    let parser: DocumentParser
    let compressor: ZstdCompressor
    let holdout: HoldoutRule
    let deduplicates: Bool
    var lengths: [UInt32] = []

    init(_ settings: PreprocessSettings) throws {
      splitter = settings.splitter
      parser = try DocumentParser(settings)
      compressor = ZstdCompressor(level: settings.level)
      holdout = HoldoutRule(share: settings.holdout)
      deduplicates = settings.deduplicate
    }
  }

  init(_ unit: WorkUnit, folder: WorkFolder, tools: Tools) throws {
    (self.unit, self.folder, self.tools) = (unit, folder, tools)
    duplicates = tools.deduplicates ? try UnitDuplicates(of: unit, in: folder) : nil
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
      case .invalid: leftOut.invalid += 1
      case .document(let text, let metadata, let wasRepaired):
        documents += 1
        if duplicates?[documents - 1] == true {
          leftOut.duplicate += 1
          return
        }
        if wasRepaired { leftOut.repaired += 1 }
        try append(text, metadata: metadata)
      }
    }
  }

  private func append(_ text: UnsafeBufferPointer<UInt8>, metadata: [UInt8]) throws {
    tools.splitter.split(text, into: &tools.lengths)
    let checksum = Checksum(of: UnsafeRawBufferPointer(text))
    try writer(tools.holdout.part(ofTextWith: checksum)).append(
      text, checksum: checksum, words: tools.lengths, metadata: metadata)
  }

  private func writer(_ part: CorpusPart) throws -> ShardWriter {
    if let writer = writers[part] { return writer }
    let path = folder.path.appending("\(part.rawValue)-\(unit.name)\(ShardFormat.fileExtension)")
    let writer = try ShardWriter(creating: path, splitter: tools.splitter, compressor: tools.compressor)
    writers[part] = writer
    return writer
  }

  /// - Throws: `UserError`: `cannotWrite`; `invalidData` when the input is no longer what it was.
  func finish(inputBytes: Int) throws -> FinishedUnit {
    try duplicates?.requireSameInput(checksum.checksum, documents: documents)
    let record = UnitRecord(
      group: unit.group, slice: unit.slice, inputBytes: inputBytes, records: records,
      inputChecksum: checksum.checksum, train: try writers[.train]?.finish(),
      holdout: try writers[.holdout]?.finish(), leftOut: leftOut)
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
    update(UnsafeRawBufferPointer(record.bytes))
    withUnsafeBytes(of: UInt64(record.bytes.count).littleEndian) { update($0) }
  }
}
