import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// Losses that a change which should not change results must not change.
///
/// The oracle's are doubles and hold to rounding in the last digits; the trained ones are sums of floats, whose order
/// the arithmetic decides.
@Suite("Golden losses")
struct GoldenLossTests {
  static let initial: [Double] = [
    6.059004268842758, 5.834116622529826, 5.9242093304992975, 5.942882159558279, 5.872380680194829,
  ]
  static let trained: [Double] = [
    5.544067317891009, 5.539264211030764, 5.5354680291021054, 5.532169413439092, 5.527690999167306,
    5.518748601277669, 5.515673135053666, 5.504148167170835, 5.5041211005484705, 5.495019546119115,
  ]

  @Test(
    "The oracle and the model start from the same loss", arguments: 0..<ModelConfiguration.tinySamples.count)
  func initial(sample: Int) {
    let witness = ModelWitness(ModelConfiguration.tinySamples[sample], seed: 42)
    var batches = BatchGenerator(seed: 43)
    let batch = batches.batch()
    let truth = witness.oracle.run(batch)
    let loss = truth.lossSum / Double(truth.targets.count)
    #expect(abs(loss - Self.initial[sample]) <= 1e-13 * loss, "the oracle says \(loss)")
    let sum = witness.model.loss(batch, parameters: witness.parameters.base)
    #expect(abs(sum.loss - Self.initial[sample]) <= 2e-6 * loss, "the model says \(sum.loss)")
  }

  @Test(
    "Ten steps of training from the model's own first parameters",
    arguments: ProductArithmetic.available)
  func trained(by arithmetic: ProductArithmetic) {
    let training = SoloTraining(ModelConfiguration.tinySamples[0], seed: 44, by: arithmetic)
    var batches = BatchGenerator(seed: 45)
    for golden in Self.trained {
      let loss = training.step(batches.batch(), learningRate: 1e-3)
      #expect(abs(loss - golden) <= 2e-6 * golden, "the model says \(loss)")
    }
  }
}
