import HATStorage
import SystemPackage

/// A checkpoint as users name it: `RUN` for the newest, `RUN@100` for that of step 100.
public struct CheckpointReference: Sendable, Equatable {
  public var run: FilePath
  /// nil for the newest.
  public var step: Int?

  public init(run: FilePath, step: Int? = nil) {
    self.run = run
    self.step = step
  }

  /// - Throws: `UserError` of kind `wrongUsage` when what follows the last `@` is no step. (A folder whose name
  ///   holds an `@` is taken as it stands.)
  public init(parsing text: String) throws {
    guard let at = text.lastIndex(of: "@"), !DurableFile.isFolder(FilePath(text)) else {
      self.init(run: FilePath(text))
      return
    }
    let suffix = String(text[text.index(after: at)...])
    guard let step = Int(suffix) ?? CheckpointStore.step(named: suffix), step >= 0 else {
      throw UserError(
        .wrongUsage, at: text, "\"\(suffix)\" is no step",
        hint: "Write RUN for the newest checkpoint or RUN@100 for that of step 100.")
    }
    self.init(run: FilePath(String(text[..<at])), step: step)
  }

  /// Opens the checkpoint; the newest *valid* one where no step is named.
  /// - Parameter damaged: called with what is wrong with each newer one that is passed over.
  /// - Throws: `UserError`: `missingInput` when there is none.
  public func open(damaged: (UserError) -> Void = { _ in }) throws -> CheckpointReader {
    try requireRun()
    let store = CheckpointStore(run: run)
    if let step { return try store.reader(at: step) }
    guard let reader = try store.latestValid(damaged: damaged) else {
      throw UserError(
        .missingInput, at: run.string, "the run has no valid checkpoint",
        hint: "Train it up to its first checkpoint (output.checkpoint_every).")
    }
    return reader
  }

  /// - Throws: `UserError` of kind `missingInput` when there is no such run.
  public func requireRun() throws {
    guard DurableFile.isFolder(run) else {
      throw UserError(
        .missingInput, at: run.string, "there is no such run",
        hint: "Name the --output folder of a training run.")
    }
  }
}
