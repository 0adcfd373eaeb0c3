import HATCore
import HATKernels
import HATText

/// Training of one process without anything around it: a model, its parameters, AdamW.
final class SoloTraining {
  let model: HierarchicalTransformer
  let parameters: FloatBuffer
  private let gradient: FloatBuffer
  private let firstMoments: FloatBuffer
  private let secondMoments: FloatBuffer
  private var stepCount = 0

  init(
    _ configuration: ModelConfiguration, seed: UInt64, by arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    model = HierarchicalTransformer(
      configuration,
      capacity: BatchCapacity(sequences: 1, sequenceWords: 256, sequenceBytes: 4096, maxWordBytes: 64),
      arithmetic: arithmetic)
    let count = model.layout.count
    parameters = FloatBuffer(zeroed: count)
    gradient = FloatBuffer(zeroed: count)
    firstMoments = FloatBuffer(zeroed: count)
    secondMoments = FloatBuffer(zeroed: count)
    ParameterInitializer(layout: model.layout, seed: seed).fill(0..<count, of: parameters.base)
  }

  /// One step without weight decay and clipping.
  /// - Returns: what the batch cost before it, in nats per target position.
  func step(_ batch: Batch, learningRate: Double) -> Double {
    stepCount += 1
    let sum = model.lossAndGradient(batch, parameters: parameters.base, gradient: gradient.base)
    AdamW.update(
      parameters: parameters.base, gradients: gradient.base, firstMoments: firstMoments.base,
      secondMoments: secondMoments.base, count: model.layout.count,
      step: AdamW.Step(
        learningRate: Float(learningRate), beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0,
        gradientScale: 1 / Float(sum.targetPositions), biasCorrection1: correction(0.9),
        biasCorrection2: correction(0.95)))
    return sum.loss
  }

  private func correction(_ decay: Double) -> Float {
    var power = 1.0
    for _ in 0..<stepCount { power *= decay }
    return Float(1 - power)
  }

  /// The symbol most likely to follow `words` and the first bytes of the next one, found the slow way: by
  /// running the whole document again.
  func likeliestSymbol(after words: [[UInt8]], _ start: [UInt8]) -> UInt8 {
    var batch = Batch()
    batch.appendDocumentMark()
    for word in words { batch.appendWord(word) }
    // What stands in place of the symbol asked for cannot be seen from there.
    batch.appendWord(start + [0])
    batch.endPiece()
    let predictions = model.predictions(batch, parameters: parameters.base)
    let logits = predictions.logits.elements.suffix(512).prefix(256)
    return UInt8(logits.indices.max { logits[$0] < logits[$1] }! - logits.startIndex)
  }

  /// Words until the model closes the document, or `limit` symbols.
  func greedyDocument(limit: Int) -> (words: [[UInt8]], isClosed: Bool) {
    var (words, word): ([[UInt8]], [UInt8]) = ([], [])
    for _ in 0..<limit {
      switch likeliestSymbol(after: words, word) {
      case SpecialByte.document where word.isEmpty:
        return (words, true)
      case SpecialByte.word:
        if word.isEmpty { return (words, false) }
        words.append(word)
        word = []
      case let byte:
        word.append(byte)
      }
    }
    return (words, false)
  }
}
