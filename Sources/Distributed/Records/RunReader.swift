import Foundation
import Glibc
import HATCore
import HATStorage
import HATText
import SystemPackage

extension RunReport {
  /// Points of the curve, where nobody says how many.
  package static let usualPoints = 500

  /// Reads a run.
  /// - Parameters:
  ///   - name: its folder.
  ///   - points: of the curve, at most.
  /// - Throws: `UserError`: `missingInput` where there is no run; `configuration` or `invalidData` where its description is damaged.
  package init(reading name: String, points: Int = usualPoints) throws {
    let folder = FilePath(name)
    let file = RunFolder.configurationFile(folder)
    guard DurableFile.exists(file) else {
      throw UserError(
        .missingInput, at: name, "there is no run here: it has no config.yaml",
        hint: "Name the `output` folder of a training run.")
    }
    let configuration = try Configuration.load(from: file)
    let description = try RunDescription(ofRun: folder)
    var reader = RunReader(folder: folder)
    let evaluations = reader.lines(LoggedEvaluation.self, "evaluations.jsonl")
    let log = try reader.metrics(points: points, evaluatedAfter: evaluations.map(\.step))

    run = name
    (step, steps) = (log.step, configuration.training.steps)
    state =
      FolderLock.isHeld(RunFolder.lockFile(folder)) ? .running : step >= steps ? .finished : .unfinished
    kind = configuration.model.kind.rawValue
    parameters = TensorTable(configuration.model).count
    changed = RunReader.changed(folder.appending("metrics.jsonl"))
    (codeVersion, ranks) = (description?.codeVersion, description?.ranks)
    products = description?.productsUsed.rawValue
    (corpora, dataFingerprint) = (description?.corpora ?? [], description?.dataFingerprint)
    (totals, curve) = (log.totals, log.curve)
    self.evaluations = zip(evaluations, log.costs).map {
      EvaluationPoint(step: $0.step, cost: $1, line: $0.line)
    }
    samples = reader.lines(LoggedSample.self, "samples.jsonl").map(\.line)
    starts = reader.lines(RunStart.self, "starts.jsonl", isBySteps: false).map(\.line)
    skipped = reader.lines(Empty.self, "skipped.jsonl").map(\.step)
    hangs = RunReader.hangs(folder)
    notes = reader.notes
    self.configuration = configuration.yaml()
  }

  private struct Empty: Decodable {}
}

/// Reads the files of a run that grow with its steps. A line that cannot be read is left out and noted, as by `train`, which
/// removes it when it goes on.
private struct RunReader {
  struct Log {
    var step = 0
    var totals = RunReport.Totals()
    var curve: [CurvePoint] = []
    /// What training had cost at each evaluation.
    var costs: [TrainingCost] = []
  }

  let folder: FilePath
  private(set) var notes: [String] = []

  init(folder: FilePath) { self.folder = folder }

  mutating func metrics(points: Int, evaluatedAfter evaluations: [Int]) throws -> Log {
    let file = folder.appending("metrics.jsonl")
    guard DurableFile.exists(file) else {
      return Log(costs: evaluations.map { _ in TrainingCost() })
    }
    var (log, curve, last, repeated) = (Log(), ThinnedCurve(limit: points), LastSteps(), 0)
    let damage = try NumberLines(keys: LoggedStep.keys).read(file) { numbers in
      guard let step = LoggedStep(numbers) else { return false }
      guard step.step > log.step else {
        repeated += 1
        return true
      }
      while log.costs.count < evaluations.count, evaluations[log.costs.count] < step.step {
        log.costs.append(curve.cost)
      }
      log.step = step.step
      log.totals.add(step)
      last.add(step)
      curve.add(step)
      return true
    }
    log.costs += Array(repeating: curve.cost, count: evaluations.count - log.costs.count)
    log.curve = curve.points
    log.totals.cost = curve.cost
    (log.totals.lastBitsPerByte, log.totals.lastStepSeconds) = (last.bitsPerByte, last.stepSeconds)
    note(damage.lines, of: file)
    if repeated > 0 {
      notes.append("\(file): \(counted(repeated, "line")) of steps that came before, left out")
    }
    // Lines that could not be read have been counted.
    let missing = log.step - log.totals.loggedSteps - damage.lines
    if missing > 0 {
      notes.append("\(file): \(counted(missing, "step")) without a line: sums are of the others")
    }
    return log
  }

  /// The lines of a file, with their steps.
  /// - Parameter isBySteps: whether a step has one line at most: then that which comes last.
  mutating func lines<Line: Decodable>(
    _ type: Line.Type, _ name: String, isBySteps: Bool = true
  ) -> [(step: Int, line: Line)] {
    let file = folder.appending(name)
    guard let reader = try? FileReader(opening: file),
      let bytes = try? reader.read(at: 0, count: reader.length)
    else { return [] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    var (lines, damaged) = ([(step: Int, line: Line)](), 0)
    // What has no end is being written.
    let end = bytes.lastIndex(of: UInt8(ascii: "\n")) ?? 0
    for text in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
      let data = Data(text)
      guard let step = try? decoder.decode(Step.self, from: data).step,
        let line = try? decoder.decode(type, from: data)
      else {
        damaged += 1
        continue
      }
      if isBySteps, let last = lines.last, last.step >= step { lines.removeAll { $0.step >= step } }
      lines.append((step, line))
    }
    note(damaged, of: file)
    return lines
  }

  private struct Step: Decodable {
    var step: Int
  }

  private mutating func note(_ damaged: Int, of file: FilePath) {
    if damaged > 0 {
      notes.append("\(file): \(counted(damaged, "line")) could not be read: left out")
    }
  }

  static func changed(_ file: FilePath) -> String? {
    var status = stat()
    guard stat(file.string, &status) == 0 else { return nil }
    return Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec)).formatted(.iso8601)
  }

  static func hangs(_ run: FilePath) -> [String] {
    guard let names = try? DurableFile.list(run.appending("hangs")) else { return [] }
    return names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".txt") }.map { "hangs/\($0)" }
  }
}

extension RunReport.Totals {
  fileprivate mutating func add(_ step: LoggedStep) {
    func number(_ value: Double) -> Double { value.isFinite ? value : 0 }
    loggedSteps += 1
    words += Int((number(step.wordsPerSecond) * step.seconds).rounded())
    dataWaitSeconds += number(step.dataWaitSeconds)
    checkpointStallSeconds += number(step.checkpointStallSeconds)
    waitSeconds += number(step.waitSeconds)
    if step.learningRate.isFinite { peakLearningRate = max(peakLearningRate ?? 0, step.learningRate) }
  }
}
