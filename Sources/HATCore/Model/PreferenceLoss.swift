import Foundation
import HATText

/// The loss of preference pairs: direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, eq. 7).
///
/// For each pair -log σ(β · m), where m is by how much more the model prefers the chosen answer to the rejected one than the
/// model that tuning began with did, in nats.
struct PreferenceLoss {
  /// [2 pairs]: the derivative of the loss by the nats of each piece.
  private let slopes: [Float]
  /// Σ loss, Σ β · m, and how many pairs have m above 0.
  private let nats: Double
  private let reward: Double
  private let preferred: Int

  /// - Parameters:
  ///   - pairs: with the margins of the reference.
  ///   - nats: of the counted words of each piece: -log π. [2 pairs]
  ///   - beta: β.
  init(_ pairs: [PreferencePair], nats: [Double], beta: Double) {
    precondition(nats.count == 2 * pairs.count, "a pair has two pieces")
    var slopes: [Float] = []
    var (loss, reward, preferred) = (0.0, 0.0, 0)
    for (index, pair) in pairs.enumerated() {
      guard let reference = pair.referenceMargin else { preconditionFailure("a pair has a reference") }
      let margin = beta * (Self.margin(nats, index) - reference)
      // Neither overflows, whatever the margin.
      loss += max(-margin, 0) + log1p(exp(-abs(margin)))
      let slope = Float(beta / (1 + exp(margin)))
      slopes += [slope, -slope]
      reward += margin
      if margin > 0 { preferred += 1 }
    }
    (self.slopes, self.nats, self.reward, self.preferred) = (slopes, loss, reward, preferred)
  }

  /// log π(chosen) - log π(rejected) of a pair.
  static func margin(_ nats: [Double], _ pair: Int) -> Double { nats[2 * pair + 1] - nats[2 * pair] }

  func slope(ofPiece piece: Int) -> Float { slopes[piece] }

  /// Adds the loss to what is known of the chosen answers.
  func add(to sum: inout LossSum) {
    (sum.pairs, sum.preferredPairs) = (slopes.count / 2, preferred)
    (sum.preferenceNats, sum.reward) = (nats, reward)
  }
}
