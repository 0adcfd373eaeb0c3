import Foundation
import HATCore
import HATStorage

/// Chooses model, batch and length of a training from its time, its ranks and its text, by the law of hierarchical models: the size
/// that is expected to reach the fewest bits per byte in the time, reading no text twice.
///
///     let text = try TrainingText(Mixture([(corpus, 1)]))
///     let budget = TrainingBudget(hours: 12, ranks: 64, nodes: 1, flopsPerSecond: 2e10)
///     print(try TrainingDial().plan(budget, text).configuration.yaml())
public struct TrainingDial: Sendable {
  /// How every size learns: as the presets do.
  public let recipe: Configuration
  private let overrides: [String]
  private let changedSettings: [String]
  private let law = ScalingLaw.hierarchical

  /// Fewer would be over before the learning rate has settled.
  static let fewestSteps = 50
  /// Bits per byte that are not worth a larger model.
  static let indifference = 0.01

  /// The settings that it decides.
  static let decided: Set<String> = [
    "model.kind", "model.byte_width", "model.byte_head_size", "model.byte_mlp_hidden", "model.encoder_layers",
    "model.decoder_layers", "model.width", "model.head_size", "model.layers", "model.kv_heads",
    "model.mlp_hidden", "data.sequence_words", "data.sequence_bytes", "training.steps",
    "training.sequences_per_step", "training.micro_batches", "training.warmup_steps",
  ]

  /// Settings of model, data and training that hardly change what is learned.
  private static let neutral: Set<String> = [
    "data.seed", "training.zero_stage", "training.recompute", "training.precision",
    "training.products", "training.gradient_exchange",
  ]

  /// - Parameter overrides: `section.key=value` of settings that it does not decide.
  /// - Throws: `UserError` of kind `configuration` for a setting that it decides, or an impossible one.
  public init(overrides: [String] = []) throws {
    for override in overrides {
      let setting = override.prefix { $0 != "=" }
      guard !Self.decided.contains(String(setting)) else {
        throw UserError(
          .configuration, at: "`override` \(override)", "`hours` decides \(setting)",
          hint: "Leave it out, or train with a configuration of your own instead of `hours`.")
      }
    }
    var recipe = Configuration()
    (recipe.model.byteNgrams, recipe.model.prefixNgrams, recipe.model.queryKeyNorm) = (5, 2, true)
    (recipe.training.optimizer, recipe.training.orthogonalization) = (.muon, .polarExpress)
    let presets = recipe
    for override in overrides { try recipe.apply(override: override) }
    try recipe.validate()
    (self.recipe, self.overrides) = (recipe, overrides)
    let changes = recipe.differences(from: presets, sections: ["model", "data", "training"])
    changedSettings = changes.map(\.setting).filter { !Self.neutral.contains($0) }
  }

  /// - Throws: `UserError` of kind `configuration` if time, text or memory are too little for any size; says how much would do.
  public func plan(_ budget: TrainingBudget, _ text: TrainingText) throws -> RunPlan {
    guard let unlimited = try best(budget, text, textLimit: .infinity) else {
      throw try tooShort(budget, text)
    }
    guard let (chosen, better) = try best(budget, text, textLimit: Double(text.bytes)) else {
      throw try tooLittleText(budget, text)
    }
    try chosen.configuration.validate()
    let (flopsPerByte, bytes) = (chosen.flopsPerByte, chosen.bytesOfSteps)
    return RunPlan(
      size: chosen.size, configuration: chosen.configuration, trainingFlopsPerByte: flopsPerByte,
      textBytes: Int(bytes), availableTextBytes: text.bytes, batchBytes: Int(chosen.batchBytes),
      usualBatchBytes: chosen.hasLargeBatch ? Int(chosen.usualBatchBytes) : nil,
      seconds: budget.seconds(flops: flopsPerByte * bytes),
      expected: law.prediction(flopsPerByte: flopsPerByte, textBytes: bytes),
      baseline: ScalingLaw.subword.prediction(flopsPerByte: flopsPerByte, textBytes: bytes),
      extrapolation: law.extrapolation(flopsPerByte: flopsPerByte, textBytes: bytes),
      changedSettings: changedSettings,
      withEnoughText: unlimited.chosen.textBytes > Double(text.bytes)
        ? try wish(unlimited.chosen, budget, text) : nil,
      withEnoughMemory: try better.map { try wish($0, budget, text) })
  }

  /// The best candidate that fits into memory, and the best of all if it does not fit; nil if none takes enough steps. Best is the
  /// one that is expected to reach the fewest bits per byte. Where text ends before time does, it is the smallest that is hardly
  /// worse: more time is not worth the rest.
  private func best(
    _ budget: TrainingBudget, _ text: TrainingText, textLimit: Double
  ) throws -> (chosen: RunCandidate, better: RunCandidate?)? {
    let candidates = try ModelSize.ladder
      .map { try candidate($0, budget, text, textLimit: textLimit) }
      .filter { $0.steps >= Self.fewestSteps }
      .sorted { expected($0) < expected($1) }
    guard !candidates.isEmpty else { return nil }
    let fitting = try candidates.filter { candidate in
      try budget.memoryPerRank.map { try memory(candidate, budget, text) <= $0 } ?? true
    }
    guard !fitting.isEmpty else {
      let smallest = candidates.min { $0.flopsPerByte < $1.flopsPerByte }!
      throw try tooLittleMemory(smallest, limit: budget.memoryPerRank!, budget, text)
    }
    let (chosen, free) = (choice(of: fitting, textLimit), choice(of: candidates, textLimit))
    return (chosen, expected(free) < expected(chosen) ? free : nil)
  }

  /// - Parameter candidates: the best first.
  private func choice(of candidates: [RunCandidate], _ textLimit: Double) -> RunCandidate {
    let best = candidates[0]
    guard best.textBytes == textLimit else { return best }
    let equal = candidates.filter {
      $0.textBytes == textLimit && expected($0) <= expected(best) + Self.indifference
    }
    return equal.min { $0.flopsPerByte < $1.flopsPerByte }!
  }

  private func candidate(
    _ size: ModelSize, _ budget: TrainingBudget, _ text: TrainingText, textLimit: Double
  ) throws -> RunCandidate {
    var candidate = RunCandidate(size, recipe: recipe, budget, text, textLimit: textLimit)
    for override in overrides { try candidate.configuration.apply(override: override) }
    return candidate
  }

  private func expected(_ candidate: RunCandidate) -> Double {
    law.bitsPerByte(flopsPerByte: candidate.flopsPerByte, textBytes: candidate.textBytes)
  }

  /// - Parameter stage: of ZeRO; nil for the candidate's own.
  private func memory(
    _ candidate: RunCandidate, stage: Int? = nil, _ budget: TrainingBudget, _ text: TrainingText
  ) throws -> Int {
    try RankMemory(
      candidate.configuration, ranks: budget.ranks, nodes: budget.nodes,
      zeroStage: stage ?? candidate.configuration.training.zeroStage, maxWordBytes: text.maxWordBytes
    ).total
  }

  private func wish(
    _ candidate: RunCandidate, _ budget: TrainingBudget, _ text: TrainingText
  ) throws -> RunPlan.Wish {
    RunPlan.Wish(
      size: candidate.size, textBytes: Int(min(candidate.textBytes, 1e18)), bitsPerByte: expected(candidate),
      memory: try memory(candidate, budget, text))
  }
}

/// What to say when nothing can be planned, and what would do.
extension TrainingDial {
  private func tooShort(_ budget: TrainingBudget, _ text: TrainingText) throws -> UserError {
    func smallest(_ budget: TrainingBudget) throws -> RunCandidate {
      try candidate(ModelSize.ladder[0], budget, text, textLimit: .infinity)
    }
    let short = try smallest(budget)
    var enough = budget
    repeat { enough.hours *= 1.1 } while try smallest(enough).steps < Self.fewestSteps
    return UserError(
      .configuration, at: "`hours` \(budget.hours)",
      "even \(short.size.name), the smallest model, would only take \(short.steps) steps, of at least "
        + "\(Self.fewestSteps)",
      hint: "`hours` \(String(format: "%.2g", 1.05 * enough.hours)) would do\(Self.orFewerRanks(short)).")
  }

  /// Some size takes enough steps if only there is enough text.
  private func tooLittleText(_ budget: TrainingBudget, _ text: TrainingText) throws -> UserError {
    let short = try candidate(ModelSize.ladder[0], budget, text, textLimit: Double(text.bytes))
    var enough = Double(text.bytes)
    repeat {
      enough *= 1.1
    } while try !ModelSize.ladder.contains(where: {
      try candidate($0, budget, text, textLimit: enough).steps >= Self.fewestSteps
    })
    return UserError(
      .configuration, at: "`data`",
      "there is too little text: \(text.bytes) bytes, each read once, give \(short.steps) steps, of at least "
        + "\(Self.fewestSteps)",
      hint: "\(Int((enough / 1000).rounded(.up))) kB would do\(Self.orFewerRanks(short)).")
  }

  /// A step has at least a sequence for every rank.
  private static func orFewerRanks(_ candidate: RunCandidate) -> String {
    candidate.hasLargeBatch && candidate.configuration.training.microBatches > 1
      ? ", and so may fewer `ranks`, with smaller steps" : ""
  }

  private func tooLittleMemory(
    _ smallest: RunCandidate, limit: Int, _ budget: TrainingBudget, _ text: TrainingText
  ) throws -> UserError {
    func mebibytes(_ bytes: Int) -> String { "\(bytes >> 20) MiB" }
    let fits = try memory(smallest, stage: Sharding.stages.upperBound, budget, text) <= limit
    return UserError(
      .configuration, at: smallest.size.name,
      "even this size needs \(mebibytes(try memory(smallest, budget, text))) of memory on every rank, and there "
        + "are \(mebibytes(limit))",
      hint: fits
        ? "training.zero_stage=\(Sharding.stages.upperBound) would fit."
        : "Use fewer ranks on each node, or nodes with more memory.")
  }
}
