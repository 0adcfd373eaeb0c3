import Foundation
import HATKernels
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATCore

@Suite struct CheckpointTests {
  private let fixture = CheckpointFixture()
  private let folder = TemporaryFolder()
  private var store: CheckpointStore { CheckpointStore(run: FilePath(folder.path)) }

  @Test func whatIsWrittenIsReadInAnyRange() throws {
    let count = fixture.count
    for (step, cuts) in [[], [1], [count - 1], [7, 8, 9], [count / 3, count / 2]].enumerated() {
      try fixture.write(step: step, to: store, cuts: cuts)
      let reader = try store.reader(at: step)
      #expect(try fixture.isWhole(reader))
      #expect(reader.manifest == fixture.manifest(step: step, slices: reader.manifest.slices))
      for range in [0..<0, 0..<1, 5..<9, count - 2..<count, 3..<count - 3] {
        let part = FloatBuffer(zeroed: range.count)
        try reader.read(.secondMoments, range, into: part.base)
        let expected = fixture.values(.secondMoments, step: step)
        #expect(range.allSatisfy { part.base[$0 - range.lowerBound] == expected.base[$0] })
      }
    }
  }

  @Test func onlyTheNewestAreKept() throws {
    for step in [100, 200, 300, 400] { try fixture.write(step: step, to: store, keep: 2) }
    #expect(try store.list() == [300, 400])
    #expect(try DurableFile.list(store.folder) == ["step-00000300", "step-00000400"])
  }

  @Test func stoppingAnywhereLeavesAWholeCheckpoint() throws {
    struct Stopped: Error {}
    var operations = 0
    var isFinished = false
    while !isFinished {
      let folder = TemporaryFolder()
      let undisturbed = CheckpointStore(run: FilePath(folder.path))
      for step in [1, 2] { try fixture.write(step: step, to: undisturbed, cuts: [100], keep: 2) }
      let countdown = Countdown(operations)
      let store = CheckpointStore(run: FilePath(folder.path)) { _ in
        if countdown.isOver() { throw Stopped() }
      }
      do {
        try fixture.write(step: 3, to: store, cuts: [100], keep: 2)
        isFinished = true
      } catch is Stopped {
        operations += 1
      }
      let reader = try #require(try undisturbed.latestValid { Issue.record("\($0)") })
      #expect([2, 3].contains(reader.manifest.step) && (!isFinished || reader.manifest.step == 3))
      #expect(try fixture.isWhole(reader))
      for step in try undisturbed.list() { try undisturbed.reader(at: step).verify() }
      try fixture.write(step: 4, to: undisturbed, keep: 2)
      #expect(try undisturbed.list().last == 4)
      #expect(try DurableFile.list(undisturbed.folder).allSatisfy { !$0.hasSuffix(".partial") })
    }
    #expect(operations >= 12)
  }

  @Test func everyFlippedBitIsFound() throws {
    try fixture.write(step: 1, to: store, cuts: [100])
    let checkpoint = folder.appending("checkpoints/step-00000001")
    for name in ["manifest.json", "slice-00000.bin", "slice-00001.bin"] {
      let path = "\(checkpoint)/\(name)"
      let length = try FileDamage.length(path)
      let places =
        Array(0..<64) + Array(stride(from: 64, to: length, by: max(37, length / 200))) + [length - 1]
      for (number, place) in places.enumerated() {
        try FileDamage.flipBit(number % 8, ofByte: place, in: path)
        let error = #expect(throws: UserError.self, "byte \(place) of \(name)") {
          try store.reader(at: 1).verify()
        }
        #expect(error?.kind == .invalidData)
        try FileDamage.flipBit(number % 8, ofByte: place, in: path)
      }
    }
    try store.reader(at: 1).verify()
  }

  @Test func everyTruncationIsFound() throws {
    try fixture.write(step: 1, to: store, cuts: [100])
    let checkpoint = folder.appending("checkpoints/step-00000001")
    for name in ["manifest.json", "slice-00000.bin"] {
      let path = "\(checkpoint)/\(name)"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for length in Array(stride(from: 0, to: whole.count, by: 61)) + [whole.count - 1] {
        try FileDamage.truncate(path, to: length)
        let error = #expect(throws: UserError.self) { try store.reader(at: 1).verify() }
        #expect(error?.kind == .invalidData)
        try whole.write(to: URL(fileURLWithPath: path))
      }
    }
  }

  @Test func aMissingSliceIsFound() throws {
    try fixture.write(step: 1, to: store, cuts: [100])
    try DurableFile.remove(FilePath(folder.appending("checkpoints/step-00000001/slice-00001.bin")))
    let error = #expect(throws: UserError.self) { try store.reader(at: 1).verify() }
    #expect(error?.kind == .invalidData)
  }

  @Test func theNewestDamagedOneIsPassedOver() throws {
    for step in [1, 2, 3] { try fixture.write(step: step, to: store) }
    try FileDamage.flipBit(
      0, ofByte: 200, in: folder.appending("checkpoints/step-00000003/slice-00000.bin"))
    var errors: [UserError] = []
    let reader = try store.latestValid { errors.append($0) }
    #expect(reader?.manifest.step == 2)
    #expect(errors.count == 1 && errors[0].place?.contains("step-00000003") == true)
    try store.setAside(after: 2)
    #expect(try store.list() == [1, 2])
    try fixture.write(step: 3, to: store)
    try store.setAside(after: 2)
    #expect(
      try DurableFile.list(store.folder).suffix(2) == ["step-00000003.2.damaged", "step-00000003.damaged"])
  }

  @Test func anotherModelIsNamedByItsKeys() throws {
    try fixture.write(step: 1, to: store)
    var other = fixture.configuration
    other.model.layers = 2
    let manifest = try store.manifest(at: 1)
    let error = #expect(throws: UserError.self) {
      try manifest.requireSameModel(as: other, splittingRule: "fixed:8-v1", maxWordBytes: 64, at: "RUN")
    }
    #expect(error?.kind == .configuration)
    #expect(error?.problem.contains("model.layers: 1, 2") == true)
    #expect(error?.problem.contains("whitespace-v1, fixed:8-v1") == true)
    #expect(error?.problem.contains("max word bytes") == false)
  }

  @Test func referencesNameARunAndAStep() throws {
    #expect(try CheckpointReference(parsing: "runs/a") == CheckpointReference(run: "runs/a"))
    #expect(try CheckpointReference(parsing: "runs/a@100") == CheckpointReference(run: "runs/a", step: 100))
    #expect(
      try CheckpointReference(parsing: "runs/a@step-00000100")
        == CheckpointReference(run: "runs/a", step: 100))
    for wrong in ["runs/a@", "runs/a@x", "runs/a@-1"] {
      #expect(throws: UserError.self) { try CheckpointReference(parsing: wrong) }
    }
    try DurableFile.createFolder(FilePath(folder.appending("a@b")))
    let odd = folder.appending("a@b")
    #expect(try CheckpointReference(parsing: odd) == CheckpointReference(run: FilePath(odd)))
    try fixture.write(step: 5, to: store)
    let error = #expect(throws: UserError.self) {
      try CheckpointReference(run: FilePath(folder.path), step: 6).open()
    }
    #expect(error?.kind == .missingInput && error?.hint.contains("5") == true)
    #expect(try CheckpointReference(run: FilePath(folder.path)).open().manifest.step == 5)
  }
}

/// Counts operations until one is to fail.
private final class Countdown: @unchecked Sendable {
  private var left: Int

  init(_ left: Int) { self.left = left }

  func isOver() -> Bool {
    left -= 1
    return left < 0
  }
}
