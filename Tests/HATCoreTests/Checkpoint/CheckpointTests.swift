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
        let part = FloatBuffer(zeroed: count)
        try reader.read(2, [range], into: part)
        let expected = fixture.values(2, step: step)
        #expect((0..<count).allSatisfy { part.base[$0] == (range.contains($0) ? expected.base[$0] : 0) })
      }
    }
  }

  private func verified(_ reader: CheckpointReader) throws -> CheckpointReader {
    try reader.verify()
    return reader
  }

  /// As ranks write them that own parts of each unit of a model.
  @Test func slicesMayHaveSeveralRanges() throws {
    let (a, b) = (fixture.count / 4, fixture.count / 2)
    try fixture.write(step: 1, to: store, slices: [[0..<7, a..<b], [7..<a, b..<fixture.count]])
    #expect(try fixture.isWhole(try store.reader(at: 1)))
    try store.reader(at: 1).verify()
  }

  @Test(arguments: [[], [1], [100, 1000]]) func weightsForUseAreThoseWritten(cuts: [Int]) throws {
    try fixture.write(step: 1, to: store, cuts: cuts)
    let (weights, expected) = (try store.reader(at: 1).weights(), fixture.values(0, step: 1))
    for tensor in fixture.table.tensors {
      #expect(weights.values(of: tensor).elementsEqual(expected.elements[tensor.range]), "\(tensor.name)")
    }
  }

  @Test func weightsForUseNeedNothingButParameters() throws {
    try fixture.write(step: 1, to: store)
    let slice = folder.appending("checkpoints/step-00000001/slice-00000.safetensors")
    try FileDamage.flipBit(0, ofByte: try FileDamage.length(slice) - 1, in: slice)
    _ = try store.reader(at: 1).weights()
    #expect(throws: UserError.self) { try store.reader(at: 1).verify() }
    // The last parameter.
    let parameters = try FileDamage.length(slice) - 2 * fixture.count * 4 - 1
    try FileDamage.flipBit(0, ofByte: parameters, in: slice)
    let error = #expect(throws: UserError.self) { try store.reader(at: 1).weights() }
    #expect(error?.kind == .invalidData)
  }

  /// What the safetensors library would find: names, shapes and ranges, one behind the other.
  @Test func slicesAreSafetensorsFiles() throws {
    let cut = fixture.table.tensors[1].range.lowerBound + 3
    try fixture.write(step: 1, to: store, cuts: [cut])
    let (first, second) = (fixture.table.tensors[0], fixture.table.tensors[1])
    let expected = fixture.values(1, step: 1)
    let file = try SafetensorsReader(
      opening: store.folder(ofStep: 1).appending("slice-00000.safetensors"))
    #expect(file.shape(of: "parameters.\(first.name)") == first.shape)
    let name = "first_moment.\(second.name)[0:3]"
    #expect(file.shape(of: name) == [3])
    var part = [Float](repeating: 0, count: 3)
    try part.withUnsafeMutableBufferPointer { try file.read(name, into: $0) }
    #expect(part == Array(expected.elements[cut - 3..<cut]))
    let rest = try SafetensorsReader(
      opening: store.folder(ofStep: 1).appending("slice-00001.safetensors"))
    #expect(
      rest.shape(of: "second_moment.\(second.name)[3:\(second.range.count)]") == [second.range.count - 3])
  }

  /// Numbers that fit no file, under a checksum that fits them.
  @Test(
    arguments: [
      { $0.slices[0].ranges = [0..<1 << 50] }, { $0.slices[0].ranges = [] }, { $0.slices = [] },
      { $0.slices[0].length = 1 << 60 }, { $0.slices[0].file = "../slice-00000.safetensors" },
      { $0.slices[0].checksums = [] }, { $0.sections = [] },
      { $0.sections[0].tensors[0].shape = [1 << 39, 1 << 39] }, { $0.sections[0].tensors[0].shape = [-1] },
      { $0.sections[1].tensors.swapAt(0, 1) }, { $0.sections[1].tensors[0].name = "nothing" },
      { $0.sections[0].tensors.removeLast() }, { $0.sections.swapAt(0, 1) },
      { $0.slices[0].length = .min }, { $0.slices[0].length += 64 },
      { $0.sections[1].tensors[0].shape = [1 << 39] }, { $0.sections[1].name = "momentum" },
      { $0.sections[0].tensors[0].shape.reverse() }, { $0.maxWordBytes = 1 << 40 }, { $0.maxWordBytes = 3 },
      { $0.maxWordBytes = .max }, { $0.configuration.model.width = .max },
      { $0.configuration.model.layers = 1 << 62 }, { $0.configuration.data.sequenceWords = 1 << 50 },
      { $0.configuration.training.sequencesPerStep = 1 << 62 }, { $0.step = 2 }, { $0.step = -1 },
    ] as [@Sendable (inout CheckpointManifest) -> Void])
  func manifestsThatDoNotFitAreRefused(forge: @Sendable (inout CheckpointManifest) -> Void) throws {
    try fixture.write(step: 1, to: store)
    var manifest = try store.reader(at: 1).manifest
    forge(&manifest)
    try write(manifest)
    let error = #expect(throws: UserError.self) { try store.reader(at: 1).verify() }
    #expect(error?.kind == .invalidData)
  }

  /// A manifest that calls some of the optimiser's floats those of another block; checksums and sizes fit.
  @Test func tensorsThatTheSliceDoesNotListAreNoWeights() throws {
    try fixture.write(step: 1, to: store)
    let slice = store.folder(ofStep: 1).appending("slice-00000.safetensors")
    var manifest = try store.reader(at: 1).manifest
    manifest.configuration.model.layers = 2
    let section = StateSection.parameters(TensorTable(manifest.configuration.model))
    var bytes = try FileReader(opening: slice).read(at: 0, count: manifest.slices[0].length)
    while (bytes.count - 4 * section.count) % 64 != 0 { bytes.append(0) }
    try DurableFile.write(bytes, to: slice)
    let header = bytes.count - 4 * section.count
    manifest.sections = [.init(section)]
    manifest.slices = [
      CheckpointSlice(
        file: "slice-00000.safetensors", ranges: [0..<section.count], length: bytes.count,
        headerChecksum: Checksum(of: Array(bytes[..<header])),
        checksums: [Checksum(of: Array(bytes[header...]))])
    ]
    try write(manifest)
    let error = #expect(throws: UserError.self) { try store.reader(at: 1).weights() }
    #expect(error?.kind == .invalidData && error?.problem.contains("other tensors") == true)
  }

  @Test(arguments: [Float.nan, .infinity]) func parametersThatAreNotFiniteAreRefused(value: Float) throws {
    try fixture.write(step: 1, to: store)
    let slice = store.folder(ofStep: 1).appending("slice-00000.safetensors")
    var manifest = try store.reader(at: 1).manifest
    var bytes = try FileReader(opening: slice).read(at: 0, count: manifest.slices[0].length)
    let (start, length) = (bytes.count - 3 * 4 * fixture.count, 4 * fixture.count)
    withUnsafeBytes(of: value) { bytes.replaceSubrange(start + length - 4..<start + length, with: $0) }
    try DurableFile.write(bytes, to: slice)
    manifest.slices[0].checksums[0] = Checksum(of: Array(bytes[start..<start + length]))
    try write(manifest)
    let reader = try store.reader(at: 1)
    for use in [{ _ = try reader.weights() }, { try reader.verify() }] {
      let error = #expect(throws: UserError.self) { try use() }
      #expect(error?.kind == .invalidData && error?.problem.contains("not finite") == true)
    }
  }

  private func write(_ manifest: CheckpointManifest) throws {
    try DurableFile.write(
      ManifestFile.encoded(manifest), to: store.folder(ofStep: 1).appending(ManifestFile.name))
  }

  @Test func tensorsOfAnotherModelAreNoWeights() throws {
    try fixture.write(step: 1, to: store)
    var manifest = try store.reader(at: 1).manifest
    manifest.configuration.model.layers = 2
    try write(manifest)
    let error = #expect(throws: UserError.self) { try store.reader(at: 1).weights() }
    #expect(error?.kind == .invalidData)
  }

  @Test func templatesAreKeptAndUnknownOnesRefused() throws {
    try fixture.write(step: 1, to: store)
    var manifest = try store.reader(at: 1).manifest
    #expect(manifest.template == nil)
    let bytes = try FileReader(opening: store.folder(ofStep: 1).appending(ManifestFile.name))
    #expect(!String(decoding: try bytes.read(at: 0, count: bytes.length), as: UTF8.self).contains("template"))
    manifest.template = ChatTemplate.turns.record
    try write(manifest)
    #expect(try store.reader(at: 1).manifest == manifest)
    manifest.template = "turns-v9"
    try write(manifest)
    let error = #expect(throws: UserError.self) { try store.newest { $0.manifest.step } }
    #expect(error?.kind == .configuration && error?.description.contains("turns-v9") == true)
  }

  /// Written as version 1 of the format did.
  @Test func earlierVersionsAreRefusedWithAWayOut() throws {
    try fixture.write(step: 1, to: store)
    let path = store.folder(ofStep: 1).appending(ManifestFile.name)
    try DurableFile.write(
      Array(#"{"manifest":{"formatVersion":1,"step":1},"manifestChecksum":"0123456789abcdef"}"#.utf8),
      to: path)
    let error = #expect(throws: UserError.self) { try store.newest { $0.manifest.step } }
    #expect(error?.kind == .configuration)
    #expect(error?.hint.contains("export") == true)
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
      let reader = try #require(
        try undisturbed.newest(damaged: { Issue.record("\($0)") }, use: verified))
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
    for name in ["manifest.json", "slice-00000.safetensors", "slice-00001.safetensors"] {
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
    for name in ["manifest.json", "slice-00000.safetensors"] {
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
    try DurableFile.remove(FilePath(folder.appending("checkpoints/step-00000001/slice-00001.safetensors")))
    let error = #expect(throws: UserError.self) { try store.reader(at: 1).verify() }
    #expect(error?.kind == .invalidData)
  }

  @Test func theNewestDamagedOneIsPassedOver() throws {
    for step in [1, 2, 3] { try fixture.write(step: step, to: store) }
    try FileDamage.flipBit(
      0, ofByte: 200, in: folder.appending("checkpoints/step-00000003/slice-00000.safetensors"))
    var errors: [UserError] = []
    let reader = try store.newest(damaged: { errors.append($0) }, use: verified)
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
    let manifest = try store.reader(at: 1).manifest
    let error = #expect(throws: UserError.self) {
      try manifest.requireSameModel(as: other, splittingRule: "fixed:8-v1", maxWordBytes: 64, at: "RUN")
    }
    #expect(error?.kind == .configuration)
    #expect(error?.problem.contains("model.layers: 1, 2") == true)
    #expect(error?.problem.contains("whitespace-v1, fixed:8-v1") == true)
    #expect(error?.problem.contains("max word bytes") == false)
  }

  @Test func theSameModelInOtherWordsIsNoOther() throws {
    try fixture.write(step: 1, to: store)
    var other = fixture.configuration
    other.model.keyValueHeads = other.model.heads
    other.model.mlpHidden = other.model.backbone.mlpHidden
    other.model.byteMLPHidden = other.model.encoder.mlpHidden
    // Of first values, which it has no more.
    (other.model.initialDeviation, other.model.embeddingDeviation) = (0.5, 0.5)
    try store.reader(at: 1).manifest.requireSameModel(
      as: other, splittingRule: "whitespace-v1", maxWordBytes: 64, at: "RUN")
  }

  /// Of a version that has another setting.
  @Test func unknownSettingsNameTheFile() throws {
    try fixture.write(step: 1, to: store)
    let (key, zeros) = ("\"manifest_checksum\" : \"", String(repeating: "0", count: 16))
    var text = String(
      decoding: try ManifestFile.encoded(try store.reader(at: 1).manifest), as: UTF8.self
    ).replacing("rope_theta", with: "rope_thete")
    let checksum = text.components(separatedBy: key).last!.prefix(16)
    text = text.replacing(checksum, with: zeros)
    text = text.replacing(key + zeros, with: key + Checksum(of: Array(text.utf8)).hexadecimal)
    try DurableFile.write(
      Array(text.utf8), to: store.folder(ofStep: 1).appending(ManifestFile.name))
    let error = #expect(throws: UserError.self) { try store.reader(at: 1) }
    #expect(error?.kind == .configuration && error?.problem.contains("model.rope_thete") == true)
    #expect(error?.place?.contains("step-00000001/manifest.json, configuration") == true)
    #expect(error?.hint.contains("code_version") == true)
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
      try CheckpointReference(run: FilePath(folder.path), step: 6).open { $0.manifest.step }
    }
    #expect(error?.kind == .missingInput && error?.hint.contains("5") == true)
    #expect(try CheckpointReference(run: FilePath(folder.path)).open { $0.manifest.step } == 5)
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
