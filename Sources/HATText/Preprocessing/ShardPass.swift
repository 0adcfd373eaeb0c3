import HATStorage

/// The pass that writes shards.
extension Preprocessor {
  func writeShards(hasStandardInput: Bool) throws {
    let pass = try ShardPass(self)
    do {
      try stoppingTogether {
        try plan.visit(pass, hasStandardInput: hasStandardInput)
        try pass.finish()
        unitCount = pass.units
      }
      pass.abandon()
    } catch {
      let needed = bytesNeeded(pass)
      pass.abandon()
      throw explaining(error, bytesNeeded: needed)
    }
  }

  /// How much room the rest of the corpus takes, judged by what there is of it; nil where there is nothing to judge by.
  private func bytesNeeded(_ pass: ShardPass) -> Int? {
    let (finished, unfinished) = ((try? folder.unitRecords()) ?? [], pass.unfinished)
    let finishedInput = finished.reduce(0) { $0 + $1.inputBytes }
    let input = finishedInput + unfinished.inputBytes
    let shards = finished.reduce(0) { $0 + $1.shardBytes } + unfinished.shardBytes
    guard let total = plan.inputBytes, input > 0, shards > 0 else { return nil }
    return Int(Double(total - finishedInput) * Double(shards) / Double(input))
  }

  /// Says how much room there should be where an error is for want of it.
  private func explaining(_ error: any Error, bytesNeeded: Int?) -> any Error {
    guard var error = error as? UserError, error.isDiskFull else { return error }
    func amount(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
    let need =
      bytesNeeded.map { "the rest of the corpus takes about \(amount($0))" }
      ?? "how much the rest of the corpus takes is not known yet"
    let free = DurableFile.freeBytes(at: folder.path).map { ", and \(amount($0)) are free" } ?? ""
    error.problem = "the disk is full: \(need)\(free)"
    return error
  }
}

/// Writes the shards of the units that this process can claim.
private final class ShardPass: UnitVisitor {
  private let preprocessor: Preprocessor
  private let tools: UnitProcessor.Tools
  private let committer = UnitCommitter()
  private var current: UnitProcessor?
  private var (position, unitStart) = (0, 0)
  /// So far, whoever does them.
  private(set) var units = 0

  init(_ preprocessor: Preprocessor) throws {
    self.preprocessor = preprocessor
    tools = try UnitProcessor.Tools(preprocessor.settings)
  }

  /// What is written of the unit that is not finished, and how much of the input it took.
  var unfinished: (shardBytes: Int, inputBytes: Int) {
    (current?.bytesWritten ?? 0, current == nil ? 0 : position - unitStart)
  }

  func begin(_ unit: WorkUnit) throws -> Bool {
    units += 1
    guard try preprocessor.folder.claim(unit, .shards) else { return false }
    current = try UnitProcessor(unit, folder: preprocessor.folder, tools: tools)
    unitStart = position
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
    try preprocessor.advance(to: position)
    self.position = position
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
