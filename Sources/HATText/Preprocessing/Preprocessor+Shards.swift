import HATStorage

/// The pass that writes shards.
extension Preprocessor {
  func writeShards(hasStandardInput: Bool) throws {
    let pass = ShardPass(folder, try UnitProcessor.Tools(settings), total: plan.inputBytes, report: report)
    do {
      try plan.visit(pass, hasStandardInput: hasStandardInput)
      try pass.finish()
    } catch is StoppedElsewhere {
      pass.abandon()
    } catch {
      folder.requestStop()
      let need = DiskNeed(folder, pass, total: plan.inputBytes)
      pass.abandon()
      throw need.explaining(error)
    }
  }
}

/// Another process has failed, and all stop.
struct StoppedElsewhere: Error {}

/// Writes the shards of the units that this process can claim.
final class ShardPass: UnitVisitor {
  private let folder: WorkFolder
  private let tools: UnitProcessor.Tools
  private let report: (PreprocessProgress) -> Void
  private var progress = PreprocessProgress()
  private var current: UnitProcessor?
  private var unitStart = 0
  private let committer = UnitCommitter()

  init(
    _ folder: WorkFolder, _ tools: UnitProcessor.Tools, total: Int?,
    report: @escaping (PreprocessProgress) -> Void
  ) {
    (self.folder, self.tools, self.report) = (folder, tools, report)
    progress.total = total
  }

  /// What is written of the unit that is not finished, and how much of the input it took.
  var unfinished: (shardBytes: Int, inputBytes: Int) {
    (current?.bytesWritten ?? 0, current == nil ? 0 : progress.position - unitStart)
  }

  func begin(_ unit: WorkUnit) throws -> Bool {
    guard try folder.claim(unit, .shards) else { return false }
    current = try UnitProcessor(unit, folder: folder, tools: tools)
    unitStart = progress.position
    return true
  }

  func visit(_ record: InputRecord, of input: InputFile) throws {
    try current!.process(record, of: input)
  }

  func end(_ unit: WorkUnit, inputBytes: Int) throws {
    try committer.commit(try current!.finish(inputBytes: inputBytes))
    current = nil
  }

  func advance(to position: Int) throws {
    if folder.isStopRequested { throw StoppedElsewhere() }
    progress.position = position
    report(progress)
  }

  /// Returns when all units are on the disk.
  func finish() throws { try committer.wait() }

  /// Gives back the room that an unfinished unit takes.
  func abandon() {
    try? committer.wait()
    current?.abandon()
    current = nil
  }
}
