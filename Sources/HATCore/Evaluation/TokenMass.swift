import Foundation
import HATText

/// The probability of some tokens among all that begin with given bytes.
struct TokenMass {
  /// -log of it.
  let nats: Double
  /// Whether the most likely token is one of them.
  let isGreedy: Bool

  /// - Parameters:
  ///   - logits: [V]
  ///   - accepts: whether a token is one of them.
  init(
    _ logits: UnsafeBufferPointer<Float>, _ vocabulary: SubwordVocabulary, given: ArraySlice<UInt8>,
    accepts: (_ token: Int32) -> Bool
  ) {
    var (accepted, possible) = (ProbabilityMass(), ProbabilityMass())
    for (token, logit) in logits.enumerated() {
      guard vocabulary.bytes(of: Int32(token)).starts(with: given) else { continue }
      possible.add(logit)
      if accepts(Int32(token)) { accepted.add(logit) }
    }
    nats = possible.logarithm - accepted.logarithm
    isGreedy = accepted.largest == possible.largest
  }
}

/// A sum of exponentials of logits, which may be large.
struct ProbabilityMass {
  private(set) var largest = -Float.infinity
  /// In units of e^largest.
  private var sum = 0.0

  init() {}

  init(_ logits: some Sequence<Float>) {
    for logit in logits { add(logit) }
  }

  mutating func add(_ logit: Float) {
    if logit > largest {
      sum *= exp(Double(largest) - Double(logit))
      largest = logit
    }
    sum += exp(Double(logit) - Double(largest))
  }

  var logarithm: Double { Double(largest) + log(sum) }
}
