import HATStorage
import SystemPackage

/// Turns the records of one unit of work into its shards.
final class UnitProcessor {
  let unit: WorkUnit
  private let folder: FilePath
  private let tools: Tools
  private let checksum = RunningChecksum()
  private var writers: [CorpusPart: ShardWriter] = [:]
  private var leftOut = LeftOutCounts()

  /// What all units of a run share.
  final class Tools {
    let splitter: WordSplitter
    let parser: DocumentParser
    let compressor: ZstdCompressor
    let holdout: HoldoutRule
    var lengths: [UInt32] = []

    init(_ settings: PreprocessSettings) throws {
      splitter = settings.splitter
      parser = try DocumentParser(settings)
      compressor = ZstdCompressor(level: settings.level)
      holdout = HoldoutRule(share: settings.holdout)
    }
  }

  init(_ unit: WorkUnit, folder: FilePath, tools: Tools) {
    (self.unit, self.folder, self.tools) = (unit, folder, tools)
  }

  /// - Throws: `UserError`: `invalidData`, `cannotWrite`.
  func process(_ record: InputRecord, of input: InputFile) throws {
    checksum.update(record)
    switch try tools.parser.parse(record, of: input) {
    case .empty: leftOut.empty += 1
    case .invalid: leftOut.invalid += 1
    case .document(let text, let metadata, let wasRepaired):
      if wasRepaired { leftOut.repaired += 1 }
      try text.withUnsafeBufferPointer { text in
        tools.splitter.split(text, into: &tools.lengths)
        try writer(tools.holdout.part(of: text)).append(text, words: tools.lengths, metadata: metadata)
      }
    }
  }

  private func writer(_ part: CorpusPart) throws -> ShardWriter {
    if let writer = writers[part] { return writer }
    let path = folder.appending("\(part.rawValue)-\(unit.name)\(ShardFormat.fileExtension)")
    let writer = try ShardWriter(creating: path, splitter: tools.splitter, compressor: tools.compressor)
    writers[part] = writer
    return writer
  }

  func finish() throws -> UnitRecord {
    UnitRecord(
      group: unit.group, slice: unit.slice, inputChecksum: checksum.checksum,
      train: try writers[.train]?.finish(), holdout: try writers[.holdout]?.finish(), leftOut: leftOut)
  }
}

extension RunningChecksum {
  /// Takes in a record, and where it ends.
  func update(_ record: InputRecord) {
    update(UnsafeRawBufferPointer(record.bytes))
    withUnsafeBytes(of: UInt64(record.bytes.count).littleEndian) { update($0) }
  }
}
