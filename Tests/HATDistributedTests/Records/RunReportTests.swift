import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct RunReportTests {
  private func line(_ step: Int, bits: String = "2.5", bytes: Int = 100) -> String {
    """
    {"step":\(step),"loss":1.5,"bits_per_byte":\(bits),"target_bytes":\(bytes),"gradient_norm":0.5,\
    "learning_rate":0.00\(step % 9 + 1),"step_seconds":0.5,"words_per_second":40,"model_flops_per_second":2e6}\n
    """
  }

  /// A run with these metrics, as far as a report needs one.
  private func run(_ metrics: String, evaluations: String = "") throws -> TemporaryFolder {
    let folder = TemporaryFolder()
    for (name, text) in [
      ("config.yaml", "training: { steps: 100 }\n"), ("metrics.jsonl", metrics),
      ("evaluations.jsonl", evaluations),
    ] {
      try text.write(toFile: folder.appending(name), atomically: true, encoding: .utf8)
    }
    return folder
  }

  @Test func sumsAndMeansAreThoseOfTheLines() throws {
    let folder = try run(
      (1...40).map { line($0, bits: "\(Double($0))", bytes: $0) }.joined(),
      evaluations: """
        {"step": 10, "bits_per_byte": 4.5, "text_bytes": 9}
        {"step": 10, "bits_per_byte": 4.0, "text_bytes": 9}
        {"step": 40, "loss": 1, "bits_per_byte": 3.0, "word_accuracy": 0.5, "text_bytes": 9, "words": 3}\n
        """)
    let report = try RunReport(reading: folder.path, points: 16)
    #expect((report.step, report.steps, report.state) == (40, 100, .unfinished))
    #expect(report.totals.loggedSteps == 40)
    #expect(report.totals.cost == TrainingCost(bytes: 820, flops: 40e6, seconds: 20))
    #expect(report.totals.words == 800)
    #expect(report.totals.peakLearningRate == 0.009)
    let bits = (1...40).reduce(0.0) { $0 + Double($1 * $1) }
    #expect(report.totals.lastBitsPerByte == bits / 820)

    #expect(report.evaluations.map(\.step) == [10, 40])
    #expect(report.evaluations[0].cost == TrainingCost(bytes: 55, flops: 10e6, seconds: 5))
    #expect(report.evaluations.map(\.line.bitsPerByte) == [4, 3])

    // Four steps a point: sixteen points of one or two are too few.
    #expect(report.curve.map(\.step) == Array(stride(from: 4, through: 40, by: 4)))
    let mean: Double = (1 + 4 + 9 + 16) / 10
    #expect(report.curve[0].bitsPerByte == mean)
    #expect(report.curve[9].cost == report.totals.cost)
    #expect(report.curve.allSatisfy { $0.stepSeconds == 0.5 && $0.gradientNorm == 0.5 })
    #expect(report.notes.isEmpty)
  }

  @Test func aShortRunHasAPointForEachStep() throws {
    let folder = try run((1...5).map { line($0) }.joined())
    #expect(try RunReport(reading: folder.path).curve.map(\.step) == [1, 2, 3, 4, 5])
  }

  /// As `train` treats them; a line that is being written is no damage.
  @Test func damageIsLeftOutAndSaid() throws {
    let folder = try run(
      line(1) + "nonsense\n" + "[1]\n" + line(4) + line(4) + line(6, bits: "null") + "{\"step\":7,\"lo")
    let report = try RunReport(reading: folder.path)
    #expect(report.totals.loggedSteps == 3 && report.step == 6)
    #expect(report.totals.lastBitsPerByte == nil)
    #expect(report.curve.map(\.bitsPerByte) == [2.5, 2.5, nil])
    #expect(report.notes.count == 3, "\(report.notes)")
    for part in ["2 lines could not be read", "1 line of steps that came before", "1 step without a line"] {
      #expect(report.notes.contains { $0.contains(part) }, "\(report.notes)")
    }
  }

  /// A digit of an exponent is enough.
  @Test func numbersThatNoStepHasAreDamage() throws {
    func line(_ step: Int, _ fields: String) -> String { "{\"step\":\(step),\(fields)}\n" }
    let folder = try run(
      line(1, "\"target_bytes\":1e300,\"step_seconds\":1") + line(2, "\"target_bytes\":-1,\"step_seconds\":1")
        + line(3, "\"target_bytes\":1,\"step_seconds\":1e200")
        + line(4, "\"target_bytes\":7,\"step_seconds\":2,\"words_per_second\":1e300")
        + line(5, "\"target_bytes\":7,\"step_seconds\":2,\"words_per_second\":3"))
    let report = try RunReport(reading: folder.path)
    #expect(report.notes.count == 1 && report.notes[0].contains("3 lines could not be read"))
    #expect(report.totals.loggedSteps == 2 && report.totals.words == 6)
    #expect(report.totals.cost == TrainingCost(bytes: 14, flops: 0, seconds: 4))
  }

  /// As training writes one of a model that has diverged.
  @Test func anEvaluationMayNotBeFinite() throws {
    let folder = try run(
      (1...8).map { line($0) }.joined(),
      evaluations: "{\"step\":4,\"bits_per_byte\":2.5}\n{\"step\":8,\"loss\":null,\"bits_per_byte\":null}\n")
    let report = try RunReport(reading: folder.path)
    #expect(report.notes.isEmpty, "\(report.notes)")
    let json = String(decoding: try JSONEncoder().encode(report.evaluations[1]), as: UTF8.self)
    #expect(json.contains("\"bitsPerByte\":null"), "\(json)")
    #expect(report.evaluations.map(\.line.bitsPerByte) == [2.5, nil])
    #expect(report.points(of: .heldOut, over: .steps) == [RunComparison.Point(position: 4, bitsPerByte: 2.5)])
  }

  @Test func anEvaluationWithoutBitsIsDamage() throws {
    let folder = try run(
      (1...8).map { line($0) }.joined(),
      evaluations: "{\"step\":4}\n{\"step\":8,\"bits_per_byte\":2.5}\n")
    let report = try RunReport(reading: folder.path)
    #expect(report.evaluations.map(\.step) == [8])
    #expect(report.notes.count == 1 && report.notes[0].contains("1 line could not be read"))
  }

  /// Pieces of a megabyte end anywhere in a line.
  @Test func aFileOfManyPiecesIsReadToItsEnd() throws {
    let folder = try run((1...20_000).map { line($0) }.joined())
    let report = try RunReport(reading: folder.path, points: 100)
    #expect(report.totals.cost.bytes == 2_000_000 && report.notes.isEmpty)
    #expect((51...100).contains(report.curve.count))
    #expect(report.curve.last?.step == 20_000)
  }

  @Test func aFolderWithoutARunIsAUserError() {
    let folder = TemporaryFolder()
    let error = #expect(throws: UserError.self) { try RunReport(reading: folder.path) }
    #expect(error?.kind == .missingInput)
  }

  /// What training leaves behind is what is read of it.
  @Test func aRealRunCanBeRead() throws {
    let folder = TemporaryFolder()
    let run = ToyRun(folder: folder.path, poison: [6: .loss])
    _ = try run.train(ranks: 2, stopAfter: 8)
    _ = try run.train(ranks: 1)
    let report = try RunReport(reading: folder.path)
    #expect((report.step, report.state, report.skipped) == (12, .finished, [6]))
    #expect(report.starts.map(\.step) == [0, 8] && report.starts.map(\.ranks) == [2, 1])
    #expect(report.evaluations.map(\.step) == [4, 8, 12])
    #expect(report.curve.count == 12 && report.notes.isEmpty, "\(report.notes)")
    #expect(report.totals.lastBitsPerByte == nil, "one of them was not finite")
  }

  @Test func whileItTrainsItRuns() throws {
    let folder = TemporaryFolder()
    let path = folder.path
    nonisolated(unsafe) var states: [RunReport.State] = []
    _ = try ToyRun(folder: path).train(ranks: 1) { event in
      if case .step = event { states.append((try? RunReport(reading: path).state) ?? .unfinished) }
    }
    #expect(states == Array(repeating: .running, count: 12))
  }
}

@Suite struct RunComparisonTests {
  private func run(_ steps: Int, _ folder: TemporaryFolder, clip: Double = 1) throws -> RunReport {
    var run = ToyRun(folder: folder.path, configuration: ToyRun.configuration(steps: steps))
    run.configuration.training.clip = clip
    _ = try run.train(ranks: 1)
    return try RunReport(reading: folder.path)
  }

  @Test func settingsAndLevelsAreSideBySide() throws {
    let folders = (TemporaryFolder(), TemporaryFolder())
    let runs = [try run(12, folders.0), try run(8, folders.1, clip: 0.5)]
    let comparison = try RunComparison(runs, over: .steps)
    #expect(comparison.measure == .heldOut)
    #expect(comparison.differences.map(\.setting) == ["training.steps", "training.clip"])
    #expect(comparison.differences.last?.values == ["1", "0.5"])
    #expect(comparison.levels.map(\.run) == runs.map(\.run))
    for (index, level) in comparison.levels.enumerated() {
      #expect(level.bitsPerByte == runs[index].evaluations.last?.line.bitsPerByte)
      #expect(level.reached[index].map { $0 <= Double(runs[index].step) } == true)
    }
    var trained = runs
    trained[1].evaluations = []
    #expect(try RunComparison(trained, over: .hours).measure == .training)
  }

  @Test func aLevelIsInterpolatedWhereItIsFirstReached() {
    let curve = [(10.0, 3.0), (20, 2), (30, 2.6), (40, 1.9)].map {
      RunComparison.Point(position: $0, bitsPerByte: $1)
    }
    #expect(RunComparison.reached(curve, 3.5) == 10)
    #expect(RunComparison.reached(curve, 2.5) == 15)
    #expect(RunComparison.reached(curve, 2) == 20)
    #expect(RunComparison.reached(curve, 1.8) == nil)
  }
}
