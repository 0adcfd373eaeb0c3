import Foundation
import HATStorage
import HATText

/// Draws the next symbol from logits: temperature, then the smallest set of likeliest symbols that holds `topP`.
public struct Sampler {
  private let temperature: Double
  private let topP: Double
  private var random: RandomSource

  /// - Parameters:
  ///   - temperature: 0 for always the likeliest symbol
  ///   - topP: in (0, 1]
  /// - Throws: `UserError` of kind `wrongUsage` outside these bounds.
  public init(temperature: Double, topP: Double, seed: UInt64) throws {
    guard temperature >= 0, temperature.isFinite else {
      throw UserError(
        .wrongUsage, at: "--temperature", "it is \(temperature)", hint: "Give 0 (greedy) or more.")
    }
    guard topP > 0, topP <= 1 else {
      throw UserError(.wrongUsage, at: "--top-p", "it is \(topP)", hint: "Give more than 0 and at most 1.")
    }
    self.temperature = temperature
    self.topP = topP
    random = RandomSource(keys: seed)
  }

  /// - Parameters:
  ///   - logits: [V]
  ///   - allows: the symbols that may be drawn; at least one
  package mutating func next(_ logits: UnsafeBufferPointer<Float>, allows: (UInt8) -> Bool) -> UInt8 {
    let allowed = (0...UInt8.max).filter(allows)
    precondition(!allowed.isEmpty)
    let likeliestFirst = allowed.sorted { logits[Int($0)] > logits[Int($1)] }
    if temperature == 0 { return likeliestFirst[0] }

    let largest = Double(logits[Int(likeliestFirst[0])])
    let weights = likeliestFirst.map { exp((Double(logits[Int($0)]) - largest) / temperature) }
    let kept = nucleus(weights)
    var rest = random.nextUnit() * weights[..<kept].reduce(0, +)
    for index in 0..<kept {
      rest -= weights[index]
      if rest < 0 { return likeliestFirst[index] }
    }
    return likeliestFirst[kept - 1]
  }

  /// How many of the descending weights make up `topP` of their sum.
  private func nucleus(_ weights: [Double]) -> Int {
    let wanted = topP * weights.reduce(0, +)
    var sum = 0.0
    for (index, weight) in weights.enumerated() {
      sum += weight
      if sum >= wanted { return index + 1 }
    }
    return weights.count
  }
}
