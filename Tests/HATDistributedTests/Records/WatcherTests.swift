import Foundation
import HATCore
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

/// What TensorBoard and Prometheus make of the files is tested with their own packages (scripts/watching/tests).
@Suite struct WatcherTests {
  /// RFC 3720, appendix B.4, and the usual check.
  @Test(
    arguments: [
      (Array("123456789".utf8), UInt32(0xE306_9283)), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), ([], 0),
    ] as [([UInt8], UInt32)])
  func checksumsAreCastagnolis(bytes: [UInt8], checksum: UInt32) {
    #expect(CRC32C.checksum(of: bytes) == checksum)
  }

  /// Within one second, too.
  @Test func laterEventFilesComeLater() throws {
    let folder = TemporaryFolder()
    let names = try (0..<3).map { _ in
      try TensorBoardFile(inRun: FilePath(folder.path), firstStep: 1).path.lastComponent!.string
    }
    #expect(names == names.sorted() && Set(names).count == 3)
    let listed = try DurableFile.list(FilePath(folder.path))
    #expect(listed == names)
  }

  @Test func aNameThatNoClockGivesIsPassedOver() throws {
    let folder = TemporaryFolder()
    try DurableFile.write([], to: FilePath(folder.appending("events.out.tfevents.\(Int.max).x")))
    let file = try TensorBoardFile(inRun: FilePath(folder.path), firstStep: 1)
    #expect(file.path.lastComponent?.string.contains("\(Int.max)") == false)
  }

  @Test func labelsAreEscapedAndNumbersReadBack() {
    let text = PrometheusText(
      labels: [("run", "a\\b\"c\nd")],
      metrics: [.init("one", "What it is.", 0.1), .init("two", "Another.", .nan, isCounter: true)]
    ).text
    #expect(
      text == """
        # HELP one What it is.
        # TYPE one gauge
        one{run="a\\\\b\\"c\\nd"} 0.1
        # HELP two Another.
        # TYPE two counter
        two{run="a\\\\b\\"c\\nd"} NaN\n
        """)
  }

  @Test func whatCannotBeWrittenIsSaidOnceAndStopsNothing() throws {
    let folder = TemporaryFolder()
    let file = folder.appending("gone/hat.prom")
    try DurableFile.createFolder(FilePath(folder.appending("gone")))
    var configuration = Configuration()
    configuration.output.tensorBoard = true
    configuration.output.prometheus = file
    var notes: [String] = []
    let watchers = try RunWatchers(
      configuration, run: FilePath(folder.appending("missing")), corpora: []
    ) { notes.append($0) }
    try DurableFile.remove(FilePath(folder.appending("gone")))
    for _ in 1...3 { watchers.take(.started(TrainingStart(step: 0, steps: 9, ranks: 1, parameters: 1))) }
    watchers.end()
    #expect(notes.count == 2, "\(notes)")
    #expect(notes.contains { $0.contains("missing") && $0.contains("TensorBoard gets no more") })
    #expect(notes.contains { $0.contains("gone") && $0.contains("training goes on") })
  }

  @Test func aFileForPrometheusThatCannotBeIsRefusedAtOnce() {
    let folder = TemporaryFolder()
    var configuration = Configuration()
    configuration.output.prometheus = folder.appending("missing/hat.prom")
    #expect(throws: UserError.self) {
      try RunWatchers(configuration, run: FilePath(folder.path), corpora: []) { _ in }
    }
  }
}

@Suite struct SampleTests {
  private static let every = 3

  private func run(_ folder: TemporaryFolder, stage: Int = 1) -> ToyRun {
    var run = ToyRun(folder: folder.path)
    run.configuration.training.zeroStage = stage
    run.configuration.output.sampleEvery = Self.every
    return run
  }

  private static func sample(_ text: String) -> TextSample {
    TextSample(prompt: "It \"was\"", text: text, hasEnded: false)
  }

  /// Whatever is sliced, rank 0 gets them whole, and the training keeps its bits.
  @Test(arguments: Sharding.stages, [(1, 1), (4, 1), (4, 2)])
  func aSampleSeesAllParametersAndChangesNone(stage: Int, layout: (ranks: Int, nodes: Int)) throws {
    let (folder, reference) = (TemporaryFolder(), TemporaryFolder())
    var expected = run(reference, stage: stage)
    expected.configuration.output.sampleEvery = 0
    _ = try expected.train(ranks: layout.ranks, nodes: layout.nodes)

    nonisolated(unsafe) var parameters: [[UInt32]] = []
    let run = run(folder, stage: stage)
    _ = try run.train(
      ranks: layout.ranks, nodes: layout.nodes,
      writeSample: { weights in
        let tensors = weights.table.tensors
        parameters.append(tensors.flatMap { weights.values(of: $0).map(\.bitPattern) })
        return Self.sample("text")
      })
    #expect(try run.results() == expected.results())
    #expect(try run.state() == expected.state())
    #expect(parameters.count == 4)
    #expect(parameters.last == (try run.state()[0]))
    #expect(try RunReport(reading: folder.path).samples.map(\.step) == [3, 6, 9, 12])
  }

  @Test func samplesOfStepsDoneAgainAreThereOnce() throws {
    let folder = TemporaryFolder()
    let run = run(folder)
    _ = try run.train(ranks: 1, stopAfter: 7, writeSample: { _ in Self.sample("before") })
    // As if a later step had been lost.
    try JSONLinesFile(appendingTo: FilePath(folder.appending("samples.jsonl"))).append(
      LoggedSample(step: 9, prompt: "", text: "lost", hasEnded: false).jsonLine)
    _ = try run.train(ranks: 2, writeSample: { _ in Self.sample("after\n") })
    let samples = try RunReport(reading: folder.path).samples
    #expect(samples.map(\.text) == ["before", "before", "after\n", "after\n"])
    #expect(samples[0] == LoggedSample(step: 3, prompt: "It \"was\"", text: "before", hasEnded: false))
  }

  @Test func aModelThatPredictsNothingFiniteOnlyLacksItsSample() throws {
    let folder = TemporaryFolder()
    nonisolated(unsafe) var notes: [String] = []
    let outcome = try run(folder).train(
      ranks: 2, observe: { if case .note(let note) = $0 { notes.append(note) } },
      writeSample: { _ in throw UserError(.invalidData, "the predictions are not finite", hint: "None.") })
    #expect(outcome == .finished(step: 12))
    #expect(notes.count == 4 && notes[0].contains("no sample at step 3"), "\(notes)")
  }

  @Test func thePlanCountsWhatASampleTakes() throws {
    var configuration = Configuration()
    func sampling(stage: Int, ranks: Int, nodes: Int = 1) throws -> Int {
      try RankMemory(configuration, ranks: ranks, nodes: nodes, zeroStage: stage, maxWordBytes: 64).sampling
    }
    #expect(try sampling(stage: 3, ranks: 1) == 0)
    configuration.output.sampleEvery = 10
    let parameters = TensorTable(configuration.model).count * MemoryLayout<Float>.size
    let whole = try sampling(stage: 1, ranks: 1)
    // A node that has slices of the parameters gathers them for it.
    let sliced = try sampling(stage: 3, ranks: 2, nodes: 2)
    #expect(sliced == whole + parameters)
    #expect(try sampling(stage: 1, ranks: 4) == whole / 4)
    #expect(whole > parameters / 2, "matrices are packed once more")
  }
}
