import HATCore
import HATKernels
import TestSupport
import Testing

/// The model in bf16 against the oracle, which rounds nothing.
///
/// How far roundings move a gradient depends on the model, so the oracle says it: it runs once more with weights rounded to
/// bfloat16. In a product weights are rounded for the forward pass and for the gradient by its input, the input twice, the
/// gradient by its output twice, and what attention and SwiGLU read once: seven roundings of the same relative size. Each moves
/// the gradient about as far, so together they move it at most seven times as far. A fault in a product, a gradient or a layout
/// moves it by the whole.
@Suite("bf16 against oracle")
struct BrainFloatGradientTests {
  private static let roundings = 7.0

  /// To the nearest with eight significant bits.
  private func rounded(_ x: Double) -> Double {
    let unit = Double(sign: .plus, exponent: x.exponent - 7, significand: 1)
    return x == 0 ? 0 : (x / unit).rounded(.toNearestOrEven) * unit
  }

  /// Of the difference of two gradients and of the first, the norms of all tensors together.
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
    let tensors = witness.oracle.parameters.tensors.mapValues { tensor in
      OracleParameters.Tensor(shape: tensor.shape, values: tensor.values.map(rounded))
    }
    let moved = OracleModel(shape: witness.shape, parameters: OracleParameters(tensors: tensors)).run(batch)

    let sum = witness.lossAndGradient(batch)
    #expect(sum.targetPositions == truth.targets.count)
    let names = witness.model.table.tensors.map(\.name)
    func all(_ gradients: [String: [Double]]) -> [Double] { names.flatMap { gradients[$0]! } }
    let scale = relativeError(all(moved.gradients), all(truth.gradients))
    #expect(abs(sum.nats - truth.lossSum) <= Self.roundings * scale * truth.lossSum)
    for tensor in witness.model.table.tensors {
      let (gradient, truth) = (witness.gradient(of: tensor), truth.gradients[tensor.name]!)
      let bound =
        Self.roundings * max(scale, relativeError(moved.gradients[tensor.name]!, truth))
      let error = relativeError(gradient, truth)
      #expect(error <= min(bound, 0.7), "\(tensor.name): off by \(error), at most \(bound)")
    }
    // It is bf16 that was measured: float32 is a thousand times nearer.
    let gradient = witness.model.table.tensors.flatMap { witness.gradient(of: $0) }
    #expect(relativeError(gradient, all(truth.gradients)) > scale / 10)
  }

  @Test("Processors with instructions for it and those without give the same bits")
  func sameBits() {
    let ways = ProductArithmetic.available(.bf16).filter { $0.hasSameBits(as: .brainFloatByConversion) }
    let runs = ways.map { SameBitsTests.run(by: $0) }
    for run in runs.dropFirst() {
      #expect(run.0 == runs[0].0)
      let isSame = run.1 == runs[0].1
      #expect(isSame)
    }
  }
}
