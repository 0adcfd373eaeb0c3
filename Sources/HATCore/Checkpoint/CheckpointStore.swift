import HATStorage
import SystemPackage

/// The checkpoints of a run: RUN/checkpoints/step-00000100/ and its like.
public struct CheckpointStore: Sendable {
  public let run: FilePath
  /// Called before whatever changes the disk: tests stop there.
  let beforeOperation: @Sendable (_ operation: String) throws -> Void

  public init(run: FilePath) { self.init(run: run, beforeOperation: { _ in }) }

  init(run: FilePath, beforeOperation: @escaping @Sendable (_ operation: String) throws -> Void) {
    self.run = run
    self.beforeOperation = beforeOperation
  }

  public var folder: FilePath { run.appending("checkpoints") }

  public func folder(ofStep step: Int) -> FilePath { folder.appending(Self.name(ofStep: step)) }

  /// The steps that have a checkpoint, in ascending order. Half-written ones do not count.
  public func list() throws -> [Int] {
    guard DurableFile.isFolder(folder) else { return [] }
    return try DurableFile.list(folder).compactMap { name in
      guard let step = Self.step(named: name),
        DurableFile.exists(folder.appending(name).appending(ManifestFile.name))
      else { return nil }
      return step
    }.sorted()
  }

  /// - Throws: `UserError`: `missingInput` naming the steps there are, `invalidData` when it is damaged.
  public func reader(at step: Int) throws -> CheckpointReader {
    let steps = try list()
    guard steps.contains(step) else {
      throw UserError(
        .missingInput, at: run.string, "there is no checkpoint of step \(step)",
        hint: steps.isEmpty
          ? "The run has none yet." : "There are: \(steps.map(String.init).joined(separator: ", ")).")
    }
    let reader = try CheckpointReader(folder: folder(ofStep: step))
    guard reader.manifest.step == step else {
      throw UserError.damagedCheckpoint(at: reader.folder, "it is that of step \(reader.manifest.step)")
    }
    return reader
  }

  /// Damaged ones pass: whoever reads them finds out.
  /// - Throws: `UserError` of kind `configuration` when there are checkpoints of another version of the format.
  public func requireCurrentFormat() throws {
    for step in try list() {
      do {
        _ = try reader(at: step)
      } catch let error as UserError where error.kind == .invalidData {}
    }
  }

  /// Uses the newest checkpoint that can be used.
  /// - Parameters:
  ///   - damaged: called with what is wrong with each newer one.
  ///   - use: reads what is needed, and so verifies it.
  /// - Returns: what `use` returned; nil if no checkpoint is whole.
  /// - Throws: what `use` throws, except `UserError` of kind `invalidData`.
  public func newest<Result>(
    damaged: (UserError) -> Void = { _ in }, use: (CheckpointReader) throws -> Result
  ) throws -> Result? {
    var faults: [UserError] = []
    for step in try list().reversed() {
      do {
        let result = try use(try reader(at: step))
        report("Step \(step) is used instead.")
        return result
      } catch let error as UserError where error.kind == .invalidData {
        faults.append(error)
      }
    }
    report("There is no older one that is whole.")
    return nil

    func report(_ hint: String) {
      for var error in faults {
        error.hint = hint
        damaged(error)
      }
    }
  }
}

extension CheckpointStore {
  static func name(ofStep step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  /// The step a folder of this name is a checkpoint of; nil for any other name.
  static func step(named name: String) -> Int? {
    guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), self.name(ofStep: step) == name
    else { return nil }
    return step
  }
}

/// Writing: `begin` once, `writeSlice` for every slice (by several processes at once), `commit` once. Until the
/// rename inside `commit` there is no checkpoint, afterwards there is a whole one.
extension CheckpointStore {
  /// Makes the folder for the slices of this step, and removes what an interrupted run left.
  public func begin(step: Int) throws {
    try beforeOperation("create \(folder)")
    try DurableFile.createFolder(folder)
    for name in try DurableFile.list(folder) where name.hasSuffix(DurableFile.partialSuffix) {
      try beforeOperation("remove \(name)")
      try DurableFile.remove(folder.appending(name))
    }
    try beforeOperation("create \(partialFolder(ofStep: step))")
    try DurableFile.createFolder(partialFolder(ofStep: step))
  }

  /// Writes one slice; it is on the disk when this returns.
  /// - Parameters:
  ///   - index: the slice's number among those of the checkpoint.
  ///   - ranges: the parameters it holds, ascending, none empty.
  ///   - data: the floats of a section that belong to a range.
  public func writeSlice(
    step: Int, index: Int, ranges: [Range<Int>], sections: [StateSection],
    data: (_ section: Int, _ range: Int) -> UnsafeBufferPointer<Float>
  ) throws -> CheckpointSlice {
    precondition(!ranges.isEmpty && ranges.allSatisfy { !$0.isEmpty })
    return try SliceFile.write(
      ranges, sections, index: index, in: partialFolder(ofStep: step), data: data,
      beforeOperation: beforeOperation)
  }

  /// Makes the slices a checkpoint, then removes all but the `keep` newest.
  public func commit(_ manifest: CheckpointManifest, keep: Int) throws {
    let (partial, final) = (partialFolder(ofStep: manifest.step), folder(ofStep: manifest.step))
    try beforeOperation("write \(ManifestFile.name)")
    try DurableFile.write(try ManifestFile.encoded(manifest), to: partial.appending(ManifestFile.name))
    try beforeOperation("rename \(partial)")
    try DurableFile.rename(partial, to: final)
    try prune(keep: keep)
  }

  /// Removes all but the `keep` newest. A folder loses its name in one step before its files go.
  func prune(keep: Int) throws {
    precondition(keep >= 1, "the newest checkpoint is never removed")
    for step in try list().dropLast(keep) {
      let (old, doomed) = (folder(ofStep: step), partialFolder(ofStep: step))
      try beforeOperation("rename \(old)")
      try DurableFile.rename(old, to: doomed)
      try beforeOperation("remove \(doomed)")
      try DurableFile.remove(doomed)
    }
  }

  /// Renames the checkpoints after `step` to names that end in `.damaged`: a run that continues from an earlier one must
  /// not count them as its own. Nothing is deleted.
  public func setAside(after step: Int) throws {
    for later in try list() where later > step {
      let (source, name) = (folder(ofStep: later), Self.name(ofStep: later))
      var (target, copies) = (folder.appending("\(name).damaged"), 1)
      while DurableFile.exists(target) {
        copies += 1
        target = folder.appending("\(name).\(copies).damaged")
      }
      try beforeOperation("rename \(source)")
      try DurableFile.rename(source, to: target)
    }
  }

  private func partialFolder(ofStep step: Int) -> FilePath {
    folder.appending(Self.name(ofStep: step) + DurableFile.partialSuffix)
  }
}

/// A checkpoint as users name it: `RUN` for the newest, `RUN@100` for that of step 100.
public struct CheckpointReference: Sendable, Equatable {
  public var run: FilePath
  /// nil for the newest.
  public var step: Int?

  public init(run: FilePath, step: Int? = nil) {
    self.run = run
    self.step = step
  }

  /// - Throws: `UserError` of kind `wrongUsage` when what follows the last `@` is no step. (If a folder has the whole text
  ///   as its name, the `@` is part of it.)
  public init(parsing text: String) throws {
    guard let at = text.lastIndex(of: "@"), !DurableFile.isFolder(FilePath(text)) else {
      self.init(run: FilePath(text))
      try requireNoCheckpoint()
      return
    }
    let suffix = String(text[text.index(after: at)...])
    guard let step = Int(suffix) ?? CheckpointStore.step(named: suffix), step >= 0 else {
      throw UserError(
        .wrongUsage, at: text, "\"\(suffix)\" is not a step",
        hint: "Write RUN for the newest checkpoint or RUN@100 for that of step 100.")
    }
    self.init(run: FilePath(String(text[..<at])), step: step)
  }

  /// - Throws: `UserError` of kind `wrongUsage` for the folder of a checkpoint, which is not named by itself.
  private func requireNoCheckpoint() throws {
    guard let step = run.lastComponent.flatMap({ CheckpointStore.step(named: $0.string) }),
      DurableFile.exists(run.appending(ManifestFile.name))
    else { return }
    let own = run.removingLastComponent().removingLastComponent()
    throw UserError(
      .wrongUsage, at: run.string, "this is a checkpoint, not a run",
      hint: "Write \(own.isEmpty ? "RUN" : own.string)@\(step).")
  }

  /// Uses the checkpoint; where no step is named, the newest that can be used.
  /// - Parameters:
  ///   - damaged: called with what is wrong with each newer one that is skipped.
  ///   - use: reads what is needed, and so verifies it.
  /// - Throws: `UserError`: `missingInput` when there is none; what `use` throws.
  public func open<Result>(
    damaged: (UserError) -> Void = { _ in }, use: (CheckpointReader) throws -> Result
  ) throws -> Result {
    try requireRun()
    let store = CheckpointStore(run: run)
    if let step { return try use(try store.reader(at: step)) }
    guard let result = try store.newest(damaged: damaged, use: use) else {
      throw UserError(
        .missingInput, at: run.string, "the run has no valid checkpoint",
        hint: "Train it up to its first checkpoint (output.checkpoint_every).")
    }
    return result
  }

  /// - Throws: `UserError` of kind `missingInput` when there is no such run.
  public func requireRun() throws {
    guard DurableFile.isFolder(run) else {
      throw UserError(
        .missingInput, at: run.string, "there is no such run", hint: "Name the folder of a training run.")
    }
  }
}
