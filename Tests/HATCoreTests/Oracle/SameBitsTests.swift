import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// What decides how a gradient is computed and must not decide what it is.
@Suite("Same bits")
struct SameBitsTests {
  /// Wide enough that threads share the work of every kernel.
  static let model = ModelConfiguration()

  static let capacity = BatchCapacity(
    sequences: 1, sequenceWords: 256, sequenceBytes: 4096, maxWordBytes: 64)

  /// Loss and gradient of one batch.
  static func run(
    capacity: BatchCapacity = capacity, threads: Int = 1, by arithmetic: ProductArithmetic
  ) -> (LossSum, [UInt32]) {
    let transformer = HierarchicalTransformer(
      model, capacity: capacity, threads: threads, arithmetic: arithmetic)
    let count = transformer.layout.count
    let (parameters, gradient) = (FloatBuffer(zeroed: count), FloatBuffer(zeroed: count))
    ParameterInitializer(layout: transformer.layout, seed: 3).fill(0..<count, of: parameters.base)
    var batches = BatchGenerator(seed: 4)
    let batch = batches.batch(words: 90)
    let sum = transformer.lossAndGradient(batch, parameters: parameters.base, gradient: gradient.base)
    return (sum, (0..<count).map { gradient.base[$0].bitPattern })
  }

  @Test("Any number of threads", arguments: [2, 3, 4], ProductArithmetic.available)
  func threads(count: Int, by arithmetic: ProductArithmetic) {
    let (one, many) = (Self.run(by: arithmetic), Self.run(threads: count, by: arithmetic))
    #expect(one.0 == many.0)
    let isSame = one.1 == many.1
    #expect(isSame)
  }

  @Test(
    "Blocks of the backbone computed again, in less memory",
    arguments: ProductArithmetic.available)
  func recomputation(by arithmetic: ProductArithmetic) {
    let less = BatchCapacity(
      sequences: 1, sequenceWords: 256, sequenceBytes: 4096, maxWordBytes: 64, recomputation: .blocks)
    let (kept, again) = (Self.run(by: arithmetic), Self.run(capacity: less, by: arithmetic))
    #expect(kept.0 == again.0)
    let isSame = kept.1 == again.1
    #expect(isSame)
    let floats = [Self.capacity, less].map {
      HierarchicalTransformer.activationFloats(Self.model, capacity: $0)
    }
    // Of four blocks three keep their input alone.
    let block = 256 * (3 * 128 + 2 * 128 + 2 * StackShape.defaultMLPHidden(width: 128))
    #expect(floats[0] - floats[1] >= 3 * block)
  }
}
