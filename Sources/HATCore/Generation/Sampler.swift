import HATKernels
import HATRandom
import HATStorage

/// Draws the next symbol from logits: temperature, then the smallest set of the most likely symbols that holds `topP`.
public struct Sampler: Sendable {
  private let temperature: Float
  private let topP: Double
  private var random: RandomSource
  /// [V], probabilities in proportion.
  private var weights: [Float] = []

  /// - Parameters:
  ///   - temperature: 0 always takes the most likely symbol
  ///   - topP: in (0, 1]
  ///   - document: gives each document of a seed random numbers of its own
  /// - Throws: `UserError` of kind `wrongUsage` outside these bounds.
  public init(temperature: Double = 0.8, topP: Double = 0.95, seed: UInt64 = 1, document: Int = 0) throws {
    guard temperature >= 0, temperature.isFinite else {
      throw UserError(
        .wrongUsage, at: "`temperature`", "it is \(temperature)", hint: "Give 0 (greedy) or more.")
    }
    guard topP > 0, topP <= 1 else {
      throw UserError(.wrongUsage, at: "`topP`", "it is \(topP)", hint: "Give more than 0 and at most 1.")
    }
    self.temperature = Float(temperature)
    self.topP = topP
    random = RandomSource(keys: seed, UInt64(document))
  }

  /// - Parameters:
  ///   - logits: [V], finite
  ///   - allows: the symbols that may be drawn; at least one
  package mutating func next(_ logits: UnsafeBufferPointer<Float>, allows: (Int) -> Bool) -> Int {
    let likeliest = likeliest(logits, allows)
    if temperature == 0 { return likeliest }

    weigh(logits, largest: logits[likeliest], allows)
    let candidates = candidates()
    let kept = nucleus(candidates)
    var rest = random.nextUnit() * candidates[..<kept].reduce(0) { $0 + Double(weights[$1]) }
    for symbol in candidates[..<kept] {
      rest -= Double(weights[symbol])
      if rest < 0 { return symbol }
    }
    return candidates[kept - 1]
  }

  private func likeliest(_ logits: UnsafeBufferPointer<Float>, _ allows: (Int) -> Bool) -> Int {
    var best: Int?
    for symbol in logits.indices {
      if let best, logits[symbol] <= logits[best] { continue }
      if allows(symbol) { best = symbol }
    }
    precondition(best != nil, "some symbol may be drawn")
    return best!
  }

  private mutating func weigh(_ logits: UnsafeBufferPointer<Float>, largest: Float, _ allows: (Int) -> Bool) {
    if weights.count != logits.count { weights = Array(repeating: 0, count: logits.count) }
    for symbol in logits.indices {
      weights[symbol] = allows(symbol) ? (logits[symbol] - largest) / temperature : -.infinity
    }
    weights.withUnsafeMutableBufferPointer { weights in
      let base = weights.baseAddress!
      Exponential.apply(base, into: base, count: weights.count)
    }
  }

  /// Symbols that include the nucleus, the most likely first.
  ///
  /// Symbols that each weigh less than 1/V of what the nucleus may leave out weigh no more than that together. Sorting
  /// them all would take longer than the model does.
  private func candidates() -> [Int] {
    let total = weights.reduce(0) { $0 + Double($1) }
    let least = Float((1 - topP) * total / Double(weights.count))
    // Positive floats have the order of their bits: numbers sort many times as fast as symbols by their weights.
    let keys = weights.indices.lazy.filter { weights[$0] >= least && weights[$0] > 0 }.map { symbol in
      UInt64(weights[symbol].bitPattern) << 32 | UInt64(UInt32.max - UInt32(symbol))
    }
    return keys.sorted(by: >).map { Int(UInt32.max - UInt32(truncatingIfNeeded: $0)) }
  }

  /// How many candidates hold `topP` of all weights.
  private func nucleus(_ candidates: [Int]) -> Int {
    let wanted = topP * weights.reduce(0) { $0 + Double($1) }
    var sum = 0.0
    for (index, symbol) in candidates.enumerated() {
      sum += Double(weights[symbol])
      if sum >= wanted { return index + 1 }
    }
    return candidates.count
  }
}
