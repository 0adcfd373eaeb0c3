import HATStorage
import SystemPackage

/// The checkpoints of a run: RUN/checkpoints/step-00000100/ and its like.
public struct CheckpointStore: Sendable {
  public let run: FilePath
  /// Called before whatever changes the disk: tests stop there.
  let beforeOperation: @Sendable (_ operation: String) throws -> Void

  public init(run: FilePath) {
    self.init(run: run, beforeOperation: { _ in })
  }

  init(run: FilePath, beforeOperation: @escaping @Sendable (_ operation: String) throws -> Void) {
    self.run = run
    self.beforeOperation = beforeOperation
  }

  public var folder: FilePath { run.appending("checkpoints") }

  public func folder(ofStep step: Int) -> FilePath {
    folder.appending(Self.name(ofStep: step))
  }

  /// The steps that have a checkpoint, in ascending order. Half-written ones do not count.
  public func list() throws -> [Int] {
    guard DurableFile.isFolder(folder) else { return [] }
    return try DurableFile.list(folder).compactMap { name in
      guard let step = Self.step(named: name),
        DurableFile.exists(folder.appending(name).appending(CheckpointManifest.fileName))
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
    return try CheckpointReader(folder: folder(ofStep: step))
  }

  public func manifest(at step: Int) throws -> CheckpointManifest {
    try reader(at: step).manifest
  }

  /// The newest checkpoint of which every byte is right.
  /// - Parameter damaged: called with what is wrong with each newer one.
  public func latestValid(damaged: (UserError) -> Void = { _ in }) throws -> CheckpointReader? {
    for step in try list().reversed() {
      do {
        let reader = try reader(at: step)
        try reader.verify()
        return reader
      } catch let error as UserError {
        damaged(error)
      }
    }
    return nil
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
