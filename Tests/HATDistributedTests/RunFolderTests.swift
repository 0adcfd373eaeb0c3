import Foundation
import HATCore
import HATKernels
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct RunFolderTests {
  private func stoppedRun() throws -> (TemporaryFolder, ToyRun) {
    let folder = TemporaryFolder()
    let run = ToyRun(folder: folder.path)
    _ = try run.train(ranks: 1, stopAfter: 7)
    return (folder, run)
  }

  private func failure(_ run: ToyRun) -> SharedError? {
    do {
      _ = try run.train(ranks: 2)
      return nil
    } catch {
      return SharedError(error)
    }
  }

  @Test func recordsOfAnUnreportedHangAreRemoved() throws {
    let (folder, run) = try stoppedRun()
    let hangs = FilePath(run.folder).appending("hangs")
    let (left, kept) = (["records", "claimed"].map { hangs.appending($0) }, hangs.appending("step-3.txt"))
    for folder in left {
      try DurableFile.createFolder(folder)
      try DurableFile.write([1], to: folder.appending("rank-0.json"))
    }
    try DurableFile.write([2], to: kept)
    _ = try run.train(ranks: 1)
    #expect(left.allSatisfy { !DurableFile.exists($0) } && DurableFile.exists(kept))
    withExtendedLifetime(folder) {}
  }

  /// The damaged files are kept, and no other line is lost.
  @Test(arguments: ["metrics.jsonl", "evaluations.jsonl"]) func aLineThatCannotBeReadTakesNoOtherWithIt(
    file: String
  ) throws {
    let (folder, run) = try stoppedRun()
    let undisturbed = TemporaryFolder()
    let other = ToyRun(folder: undisturbed.path)
    _ = try other.train(ranks: 1)

    let path = FilePath(run.folder).appending(file)
    var bytes = Array(try Data(contentsOf: URL(filePath: path.string)))
    bytes[2] ^= 0x80
    try DurableFile.write(bytes, to: path)
    let notes = Notes()
    _ = try run.train(ranks: 2, observe: notes.add)

    #expect(
      notes.all.count == 1 && notes.all[0].contains("\(file): 1 line could not be read"), "\(notes.all)")
    #expect(notes.all[0].contains("\(file).damaged"))
    #expect(Array(try Data(contentsOf: URL(filePath: path.string + ".damaged"))) == bytes)
    let (lost, expected) =
      file == "metrics.jsonl"
      ? (try run.results(), try other.results()) : (try run.evaluations(), try other.evaluations())
    #expect(lost == Array(expected.dropFirst()))
    withExtendedLifetime(folder) {}
  }

  @Test func anotherConfigurationIsRefusedByTheKeysThatDiffer() throws {
    let (folder, original) = try stoppedRun()
    let metrics = try original.results()
    var run = original
    run.configuration.training.clip = 2
    run.configuration.data.seed = 9
    let error = failure(run)
    #expect(error?.exitCode == 78)
    #expect(error?.description.contains("training.clip: 1, 2") == true)
    #expect(error?.description.contains("data.seed: 1, 9") == true)
    #expect(try original.results() == metrics)
    withExtendedLifetime(folder) {}
  }

  /// Results differ in their last bits from then on.
  @Test func aChangeOfTheProductsArithmeticIsAllowedAndReported() throws {
    let (folder, original) = try stoppedRun()
    var run = original
    run.arithmetic = .matrixTiles
    run.configuration.training.products = .matrixTiles
    let notes = Notes()
    #expect(try run.train(ranks: 2) { notes.add($0) } == .finished(step: 12))
    #expect(notes.all.contains { $0.contains("matrix products: fma, amx (before, now)") })
    withExtendedLifetime(folder) {}
  }

  @Test func onlySomeSettingsMayChangeAndTheirChangeIsReported() throws {
    let (folder, original) = try stoppedRun()
    var run = original
    run.configuration.training.steps = 14
    run.configuration.training.products = .matrixTiles
    run.arithmetic = .matrixTiles
    var refused = run
    refused.configuration.training.clip = 2
    let error = failure(refused)
    #expect(error?.exitCode == 78)
    #expect(error?.description.contains("(there, here): training.clip: 1, 2.") == true, "\(error!)")
    let notes = Notes()
    #expect(try run.train(ranks: 2) { notes.add($0) } == .finished(step: 14))
    for change in ["training.steps: 12, 14 (before, now)", "matrix products: fma, amx (before, now)"] {
      #expect(notes.all.contains { $0.contains(change) }, "\(notes.all)")
    }
    withExtendedLifetime(folder) {}
  }

  @Test(arguments: ["", "not JSON", "{\"ranks\": 1}", "[]"])
  func aDescriptionThatCannotBeDecodedIsAUserError(content: String) throws {
    let (folder, run) = try stoppedRun()
    let file = folder.appending("run.json")
    try content.write(toFile: file, atomically: true, encoding: .utf8)
    try expectDamagedDescription(run)
  }

  @Test func aTruncatedDescriptionIsAUserError() throws {
    let (folder, run) = try stoppedRun()
    let file = folder.appending("run.json")
    try FileDamage.truncate(file, to: 100)
    try expectDamagedDescription(run)
    try FileManager.default.removeItem(atPath: file)
    #expect(try run.train(ranks: 2) == .finished(step: 12), "the hint helps")
  }

  private func expectDamagedDescription(_ run: ToyRun) throws {
    let error = try #require(failure(run))
    #expect(error.exitCode == 65)
    #expect(
      error.description.contains("/run.json: ") && error.description.contains("Remove the file"), "\(error)")
    #expect(throws: UserError.self) { try RunDescription(ofRun: FilePath(run.folder)) }
    #expect(throws: UserError.self) { try CorpusDescription.ofRun(FilePath(run.folder)) }
  }

  @Test func otherDataIsRefused() throws {
    let (folder, original) = try stoppedRun()
    var run = original
    run.data.fingerprint = "other"
    #expect(failure(run)?.description.contains("other data") == true)
    withExtendedLifetime(folder) {}
  }

  /// Else the run's own data would be refused from then on.
  @Test func aStartThatIsRefusedDescribesNothing() throws {
    let (folder, run) = try stoppedRun()
    let file = folder.appending("run.json")
    try FileManager.default.removeItem(atPath: file)
    var wrong = run
    wrong.data.fingerprint = "other"
    #expect(failure(wrong)?.description.contains("other data") == true)
    #expect(!FileManager.default.fileExists(atPath: file))
    #expect(try run.train(ranks: 2) == .finished(step: 12))
    #expect(FileManager.default.fileExists(atPath: file))
  }

  /// What a start leaves behind that is killed before it has described the run.
  @Test func emptyRecordsAreNoRun() throws {
    let folder = TemporaryFolder()
    try DurableFile.write([], to: FilePath(folder.appending("metrics.jsonl")))
    var run = ToyRun(folder: folder.path)
    run.resume = .never
    #expect(try run.train(ranks: 1) == .finished(step: 12))
    try FileManager.default.removeItem(atPath: folder.appending("config.yaml"))
    run.resume = .auto
    #expect(failure(run)?.description.contains("but no config.yaml") == true)
  }

  @Test func anUnfinishedLineOfAStartIsRemoved() throws {
    let (folder, run) = try stoppedRun()
    let file = folder.appending("starts.jsonl")
    let whole = try String(contentsOfFile: file, encoding: .utf8)
    try (whole + "{\"step\":5,\"lo").write(toFile: file, atomically: true, encoding: .utf8)
    _ = try run.train(ranks: 2)
    let report = try RunReport(reading: folder.path)
    #expect(report.starts.map(\.step) == [0, 7] && report.notes.isEmpty, "\(report.notes)")
  }

  @Test func resumeNeverLeavesARunAlone() throws {
    let (folder, original) = try stoppedRun()
    let (metrics, state) = (try original.results(), try original.state())
    var run = original
    run.resume = .never
    #expect(failure(run)?.exitCode == 78)
    #expect(try original.results() == metrics)
    #expect(try original.state() == state)
    withExtendedLifetime(folder) {}
  }

  @Test func settingsThatChangeNoResultMayChange() throws {
    let (folder, original) = try stoppedRun()
    var run = original
    run.configuration.output.keep = 7
    run.configuration.training.zeroStage = 0
    #expect(try run.train(ranks: 2) == .finished(step: 12))
    withExtendedLifetime(folder) {}
  }

  @Test func aDamagedNewestCheckpointIsSkippedWithANote() throws {
    let reference = TemporaryFolder()
    let expected = ToyRun(folder: reference.path)
    _ = try expected.train(ranks: 1)
    let (folder, run) = try stoppedRun()
    try FileDamage.flipBit(
      3, ofByte: 70_000, in: folder.appending("checkpoints/step-00000007/slice-00000.safetensors"))
    let notes = Notes()
    #expect(try run.train(ranks: 4) { notes.add($0) } == .finished(step: 12))
    #expect(
      notes.all.contains {
        $0.contains("checkpoint of step 7 is damaged and is skipped")
          && $0.contains("slice-00000.safetensors")
      })
    #expect(try run.results() == expected.results())
    #expect(try run.state() == expected.state())
    #expect(DurableFile.exists(FilePath(folder.appending("checkpoints/step-00000007.damaged"))))
  }

  @Test func onlyDamagedCheckpointsAreAnErrorNotANewStart() throws {
    let (folder, run) = try stoppedRun()
    for step in ["5", "7"] {
      try FileDamage.truncate(
        folder.appending("checkpoints/step-0000000\(step)/manifest.json"), to: 100)
    }
    let error = failure(run)
    #expect(error?.exitCode == 65)
    #expect(error?.description.contains("none of its 2 checkpoints is valid") == true)
  }

  @Test func aFolderInUseIsRefused() throws {
    let (folder, run) = try stoppedRun()
    let path = FilePath(folder.path)
    let lock = try FolderLock(path.appending(".lock"), of: path, work: "training")
    let error = #expect(throws: AgreedFailure.self) { try run.train(ranks: 2) }
    #expect(error?.cause.exitCode == 73)
    // Whatever it holds: that may change until the lock is free.
    var other = run
    other.configuration.training.clip = 2
    #expect(failure(other)?.exitCode == 73)
    withExtendedLifetime(lock) {}
  }
}

private final class Notes: @unchecked Sendable {
  private let lock = NSLock()
  private var notes: [String] = []

  var all: [String] { lock.withLock { notes } }

  func add(_ event: TrainingEvent) {
    if case .note(let note) = event { lock.withLock { notes.append(note) } }
  }
}
