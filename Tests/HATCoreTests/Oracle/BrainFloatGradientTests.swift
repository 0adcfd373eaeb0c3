import HATCore
import HATKernels
import TestSupport
import Testing

/// The model in bf16 against the oracle, which knows no rounding.
///
/// A factor of a product is off by at most 2⁻⁹ of itself once it is rounded, a term of two factors by 2⁻⁸. Of N products behind
/// each other these errors add up, to the first order, to N · 2⁻⁸ of the norm of a tensor. A fault in a product, a gradient or a
/// layout is off by the whole.
@Suite("bf16 against oracle")
struct BrainFloatGradientTests {
  private static let unit = 1.0 / 256

  /// On the way from the first bytes to the loss, and back: four products in a block, and those between modules.
  private func products(_ model: ModelConfiguration) -> Double {
    let blocks = model.encoderLayers + model.layers + model.decoderLayers
    return Double(2 * (4 * blocks + 3))
  }

  private func relativeError(_ values: [Double], _ truth: [Double]) -> Double {
    let squares = zip(values, truth).reduce((error: 0.0, truth: 0.0)) { sum, pair in
      let error = pair.0 - pair.1
      return (sum.error + error * error, sum.truth + pair.1 * pair.1)
    }
    return squares.truth == 0 ? squares.error : (squares.error / squares.truth).squareRoot()
  }

  @Test(
    "Loss and every gradient", arguments: ModelConfiguration.tinySamples.indices,
    ProductArithmetic.available(.bf16))
  func gradients(sample: Int, by arithmetic: ProductArithmetic) {
    let configuration = ModelConfiguration.tinySamples[sample]
    let witness = ModelWitness(configuration, seed: 1, by: arithmetic)
    var batches = BatchGenerator(seed: 100 * UInt64(sample) + 1)
    let batch = batches.batch()
    let truth = witness.oracle.run(batch)
    let bound = Self.unit * products(configuration)

    let sum = witness.lossAndGradient(batch)
    #expect(sum.targetPositions == truth.targets.count)
    #expect(abs(sum.nats - truth.lossSum) <= bound * truth.lossSum)
    for tensor in witness.model.table.tensors {
      let error = relativeError(witness.gradient(of: tensor), truth.gradients[tensor.name]!)
      #expect(error <= bound, "\(tensor.name): off by \(error), at most \(bound)")
    }
    // It is bf16 that was measured: float32 is a thousand times nearer.
    let name = witness.model.table.tensors.last!
    #expect(relativeError(witness.gradient(of: name), truth.gradients[name.name]!) > Self.unit / 100)
  }

  @Test("Processors with instructions for it and those without give the same bits")
  func sameBits() {
    let runs = ProductArithmetic.available(.bf16).map { SameBitsTests.run(by: $0) }
    for run in runs.dropFirst() {
      #expect(run.0 == runs[0].0)
      let isSame = run.1 == runs[0].1
      #expect(isSame)
    }
  }
}
