import HATStorage
import SystemPackage

/// What makes preprocessing refuse a folder: it was made of something else.
extension Preprocessor {
  func requireUnchanged(since manifest: CorpusManifest) throws {
    let old = try JSONFile.read([InputFile].self, from: folder.inputsPath, hint: CorpusManifest.repair)
    try refuse(settings.changes(from: manifest.settings) + plan.changes(from: old, ignoringTimes: true))
    let haveNewTimes = zip(old, plan.inputs).contains { $0.modified != $1.modified || $1.isStandardInput }
    if haveNewTimes, try inputsFingerprint() != manifest.inputsFingerprint {
      try refuse(["the content of the input"])
    }
  }

  func refuse(_ changes: [String]) throws {
    guard !changes.isEmpty else { return }
    throw UserError(
      .wrongUsage, at: folder.path.string,
      "this folder was made with other settings or input; changed: \(changes.joined(separator: "; "))",
      hint: "Give the same settings and input to continue, or another folder for `output`.")
  }

  private func inputsFingerprint() throws -> Checksum {
    let pass = FingerprintPass()
    try plan.visit(pass, hasStandardInput: true)
    return UnitRecord.inputsFingerprint(pass.units.map { ($0, $1.checksum) })
  }
}

extension WorkPlan {
  /// What is different about the input, a sentence part each.
  func changes(from old: [InputFile], ignoringTimes: Bool) -> [String] {
    let (before, now) = (Set(old.map(\.name)), Set(inputs.map(\.name)))
    var changes = now.subtracting(before).sorted().prefix(3).map { "\($0) is new" }
    changes += before.subtracting(now).sorted().prefix(3).map { "\($0) is gone" }
    guard changes.isEmpty else { return changes }
    guard old.map(\.name) == inputs.map(\.name) else { return ["the order of the input"] }
    for (before, now) in zip(old, inputs) {
      if before.bytes != now.bytes {
        changes.append("\(now.name) had \(before.bytes) bytes and has \(now.bytes)")
      } else if before.modified != now.modified && !ignoringTimes {
        changes.append("\(now.name) was written again")
      }
    }
    return Array(changes.prefix(3))
  }
}

/// Takes in the records of an input, as units do when they are written.
private final class FingerprintPass: UnitVisitor {
  /// The units with records, in order.
  private(set) var units: [(WorkUnit, RunningChecksum)] = []
  private var current: WorkUnit?

  func begin(_ unit: WorkUnit) -> Bool {
    current = unit
    return true
  }

  func visit(_ record: InputRecord, of input: InputFile) {
    if units.last?.0 != current { units.append((current!, RunningChecksum())) }
    units.last!.1.update(record)
  }

  func end(_ unit: WorkUnit, inputBytes: Int) {}

  func advance(to position: Int) {}
}
