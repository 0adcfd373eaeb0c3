import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

extension Plan {
  /// Chooses a configuration for so many hours, and shows what it costs.
  func choose(hours: Double) throws {
    let dial = try TrainingDial(overrides: settings.overrides)
    let text = try TrainingText(Mixture(data))
    let core = CoreRate(for: dial.recipe)
    let budget = TrainingBudget(
      hours: hours, ranks: ranks, nodes: nodes, flopsPerSecond: core.trainingFlopsPerSecond,
      memoryPerRank: memoryPerNode.map { $0.bytes / (ranks / nodes) })
    let run = try dial.plan(budget, text)
    let yaml = run.configuration.yaml()
    if let write { try DurableFile.write(Array(yaml.utf8), to: FilePath(write)) }
    if printConfig {
      for note in run.notes { Terminal.note(note) }
      return print(yaml, terminator: "")
    }
    var plan = self
    plan.maxWordBytes = text.maxWordBytes
    let costs = try PlanResult(
      run.configuration, plan, forwardFlopsPerByte: run.trainingFlopsPerByte / ModelCost.trainingPasses,
      bytesPerWord: text.bytesPerWord, bytesPerToken: AssumedText.english.bytesPerToken, core: core)
    let result = HoursResult(hours: hours, run, costs, yaml)
    try json ? JSONOutput.print(result) : result.show(run)
  }
}

/// A configuration for so many hours, and what is expected of it.
struct HoursResult: Encodable {
  let hours: Double
  let expectedHours: Double
  let size: String
  /// Read, each once.
  let textBytes: Int
  let availableTextBytes: Int
  let batchBytes: Int
  let steps: Int
  let expectedBitsPerByte: Double
  let expectedInterval: [Double]
  let subwordBitsPerByte: Double
  let subwordInterval: [Double]
  /// What it has over the nearest of the runs that the law was fitted to; 1 among them.
  let textExtrapolation: Double
  let flopsExtrapolation: Double
  let notes: [String]
  let costs: PlanResult
  /// As YAML.
  let configuration: String

  init(hours: Double, _ run: RunPlan, _ costs: PlanResult, _ yaml: String) {
    func bounds(_ prediction: ScalingLaw.Prediction) -> [Double] {
      [prediction.interval.lowerBound, prediction.interval.upperBound]
    }
    (self.hours, expectedHours, size) = (hours, run.seconds / 3600, run.size.name)
    (textBytes, availableTextBytes) = (run.textBytes, run.availableTextBytes)
    (batchBytes, steps) = (run.batchBytes, run.configuration.training.steps)
    (expectedBitsPerByte, expectedInterval) = (run.expected.bitsPerByte, bounds(run.expected))
    (subwordBitsPerByte, subwordInterval) = (run.baseline.bitsPerByte, bounds(run.baseline))
    (textExtrapolation, flopsExtrapolation) = (run.extrapolation.text, run.extrapolation.flopsPerByte)
    (notes, self.costs, configuration) = (run.notes, costs, yaml)
  }

  func show(_ run: RunPlan) {
    print("for \(Amount.duration(3600 * hours)) on \(Amount.counted(costs.ranks, "rank"))")
    TextTable.show(run.rows, [.left])
    for note in notes { print(note) }
    costs.show()
  }
}
