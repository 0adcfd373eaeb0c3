import HATStorage
import SystemPackage

/// Writing: `begin` once, `writeSlice` for every slice (by several processes at once), `commit` once. Until the
/// rename inside `commit` there is no checkpoint, afterwards there is a whole one.
extension CheckpointStore {
  /// Makes the folder that slices of this step are written to, and sweeps up what an interrupted run left.
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
  ///   - range: what it holds of the flat buffer, not empty.
  ///   - parameters: [range], like both moments.
  public func writeSlice(
    step: Int, index: Int, range: Range<Int>, parameters: UnsafePointer<Float>,
    firstMoments: UnsafePointer<Float>, secondMoments: UnsafePointer<Float>
  ) throws -> CheckpointSlice {
    precondition(!range.isEmpty)
    let name = SliceFile.name(ofSlice: index)
    let checksums = try SliceFile.write(
      range, sections: [parameters, firstMoments, secondMoments],
      to: partialFolder(ofStep: step).appending(name), beforeOperation: beforeOperation)
    return CheckpointSlice(
      file: name, start: range.lowerBound, count: range.count, length: SliceFile.length(count: range.count),
      checksums: checksums)
  }

  /// Makes the slices a checkpoint, then removes all but the `keep` newest.
  public func commit(_ manifest: CheckpointManifest, keep: Int) throws {
    let (partial, final) = (partialFolder(ofStep: manifest.step), folder(ofStep: manifest.step))
    try beforeOperation("write \(CheckpointManifest.fileName)")
    try DurableFile.write(try manifest.encoded(), to: partial.appending(CheckpointManifest.fileName))
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

  /// Takes the checkpoints after `step` out of the list, under names that end in `.damaged`: a run that goes on
  /// from an earlier one must not count them as its own. Nothing is deleted.
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
