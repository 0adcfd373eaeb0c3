import Foundation
import HATStorage

/// Finds the depth and width at which the subword baseline costs as much as a hierarchical model.
///
/// Among the baselines whose backbone has nearly the proportions of the hierarchical one, it takes the nearest in cost;
/// 1 % of cost weighs as much as 22 % of width over depth. Small models come in coarse steps: where none matches, a change
/// of the MLP's hidden width, within limits, makes up the difference.
public struct BaselineSearch {
  /// The largest difference in cost that counts as a match, as in the paper.
  public static let tolerance = 0.05
  /// How much wider or narrower for its depth than the hierarchical backbone a baseline may be.
  static let proportionLimit = 2.0
  /// How much the MLP's hidden width may change, as a fraction.
  static let hiddenLimit = 0.25
  private static let hiddenStep = 32
  private static let proportionWeight = 0.05
  private static let mostLayers = 1000

  private struct Candidate {
    let model: ModelConfiguration
    /// As a multiple of the hierarchical model's cost.
    let cost: Double
    /// Width over depth, as a multiple of the hierarchical backbone's.
    let proportion: Double

    var distance: Double { abs(log(cost)) + proportionWeight * abs(log(proportion)) }
  }

  private let hierarchical: ModelConfiguration
  private let vocabulary: Int
  private let target: Double
  private let cost: (ModelConfiguration) -> Double

  /// - Parameters:
  ///   - vocabulary: tokens of the baseline.
  ///   - cost: forward FLOPs per byte of a model of either kind.
  public init(
    matching hierarchical: ModelConfiguration, vocabulary: Int, cost: @escaping (ModelConfiguration) -> Double
  ) {
    precondition(hierarchical.kind == .hierarchical)
    (self.hierarchical, self.vocabulary, self.cost) = (hierarchical, vocabulary, cost)
    target = cost(hierarchical)
  }

  /// - Throws: `UserError` of kind `configuration`, naming the nearest, when none costs nearly as much.
  public func best() throws -> ModelConfiguration {
    let candidates = candidates()
    if let match = Self.match(among: candidates) { return match.model }
    let adjusted = candidates.map(adjustingHiddenWidth)
    guard let match = Self.match(among: adjusted) else { throw noMatch(among: adjusted) }
    return match.model
  }

  private static func match(among candidates: [Candidate]) -> Candidate? {
    candidates.filter { abs($0.cost - 1) <= tolerance }.min { $0.distance < $1.distance }
  }

  private func candidates() -> [Candidate] {
    var found: [Candidate] = []
    for layers in 1...Self.mostLayers {
      let ofDepth = widths(layers: layers).map { candidate(layers: layers, width: $0) }
      found += ofDepth
      // Deeper ones are wider too, and cost more still.
      if let cheapest = ofDepth.first, cheapest.cost > 1 + Self.tolerance { break }
    }
    return found
  }

  private var proportion: Double { Double(hierarchical.width) / Double(hierarchical.layers) }
  private var headsPerGroup: Int { hierarchical.heads / (hierarchical.keyValueHeads ?? hierarchical.heads) }

  /// Ascending: whole heads, in whole groups.
  private func widths(layers: Int) -> [Int] {
    let step = hierarchical.headSize * headsPerGroup
    let wanted = proportion * Double(layers)
    let fewest = max(1, Int((wanted / Self.proportionLimit / Double(step)).rounded(.up)))
    let most = Int(wanted * Self.proportionLimit / Double(step))
    return fewest <= most ? (fewest...most).map { $0 * step } : []
  }

  private func candidate(layers: Int, width: Int) -> Candidate {
    var model = ModelConfiguration()
    model.kind = .subword
    (model.vocabulary, model.layers, model.width) = (vocabulary, layers, width)
    (model.headSize, model.ropeTheta) = (hierarchical.headSize, hierarchical.ropeTheta)
    model.initialDeviation = hierarchical.initialDeviation
    model.embeddingDeviation = hierarchical.embeddingDeviation
    if hierarchical.keyValueHeads != nil { model.keyValueHeads = model.heads / headsPerGroup }
    model.mlpHidden = hierarchical.mlpHidden.map { hidden in
      (hidden * width / hierarchical.width + Self.hiddenStep - 1) / Self.hiddenStep * Self.hiddenStep
    }
    return candidate(model)
  }

  private func candidate(_ model: ModelConfiguration) -> Candidate {
    Candidate(
      model: model, cost: cost(model) / target,
      proportion: Double(model.width) / Double(model.layers) / proportion)
  }

  /// Cost is linear in the hidden width.
  private func adjustingHiddenWidth(_ found: Candidate) -> Candidate {
    let hidden = found.model.backbone.mlpHidden
    var model = found.model
    model.mlpHidden = hidden + Self.hiddenStep
    let costOfStep = cost(model) / target - found.cost
    let most = Int(Self.hiddenLimit * Double(hidden)) / Self.hiddenStep
    let wanted = ((1 - found.cost) / costOfStep).rounded()
    model.mlpHidden = hidden + Self.hiddenStep * Int(min(max(wanted, -Double(most)), Double(most)))
    return candidate(model)
  }

  private func noMatch(among candidates: [Candidate]) -> UserError {
    let problem = "no subword model of \(vocabulary) tokens costs what the hierarchical one does"
    let hint =
      "A smaller vocabulary makes the baseline cheaper, and a smaller model.head_size gives finer steps of cost; so does "
      + "a larger hierarchical model."
    guard let nearest = candidates.min(by: { abs(log($0.cost)) < abs(log($1.cost)) }) else {
      return UserError(.configuration, problem, hint: hint)
    }
    let percent = 100 * (nearest.cost - 1)
    return UserError(
      .configuration,
      "\(problem): the nearest, \(nearest.model.layers) blocks of width \(nearest.model.width), costs "
        + String(format: "%.1f", abs(percent)) + " % \(percent > 0 ? "more" : "less")", hint: hint)
  }
}
