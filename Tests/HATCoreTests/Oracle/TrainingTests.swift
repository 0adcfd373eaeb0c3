import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// Losses that a change which should not change results must not change (CONTRIBUTING.md says what is promised).
@Suite("Golden losses")
struct GoldenLossTests {
  /// Of the oracle, in double precision.
  static let oracle: [Double] = [
    6.059004268842758, 5.834116622529826, 5.9242093304992975, 5.942882159558279, 5.872380680194829,
    6.152493288919584, 6.1631202629623125, 6.100831323414209, 6.198874177717582, 6.093208918688432,
    6.101108587906086, 6.215647350820446,
  ]
  /// Of the model on the same parameters, by `fma`.
  static let initial: [Double] = [
    6.059004248537089, 5.834116641212912, 5.924209343362178, 5.94288213867947, 5.872380638554086,
    6.15249327836533, 6.163120240647329, 6.100831329552836, 6.1988742049463195, 6.0932089074165035,
    6.101108558577111, 6.2156473500696245,
  ]
  /// By `fma`, of a sample without n-grams and of one with them.
  static let trainedLosses: [(sample: Int, losses: [Double])] = [
    (
      0,
      [
        5.54406732908437, 5.53926422440003, 5.535468009129869, 5.5321694083392305, 5.52769100189209,
        5.5187486221230095, 5.515673137603597, 5.504148177886277, 5.504121079303251, 5.495019543555475,
      ]
    ),
    (
      5,
      [
        5.542946741614543, 5.532073749560062, 5.519496091373304, 5.514051567424428, 5.510905412946428,
        5.489045054534746, 5.486527825421828, 5.46679388807061, 5.461713705912675, 5.447912426405056,
      ]
    ),
  ]

  @Test(
    "The oracle and the model start from the same loss", arguments: 0..<ModelConfiguration.tinySamples.count)
  func initial(sample: Int) {
    let witness = ModelWitness(ModelConfiguration.tinySamples[sample], seed: 42)
    var batches = BatchGenerator(seed: 43)
    let batch = batches.batch()
    let truth = witness.oracle.run(batch)
    let loss = truth.lossSum / Double(truth.targets.count)
    // It calls the C library's exp and log for every element, whose last digits are its own.
    #expect(abs(loss - Self.oracle[sample]) <= 1e-13 * loss, "the oracle says \(loss)")
    let sum = witness.model.loss(batch, witness.weights)
    #expect(sum.loss == Self.initial[sample], "the model says \(sum.loss)")
    #expect(abs(sum.loss - loss) <= 2e-6 * loss, "the oracle says \(loss)")
  }

  @Test(
    "Ten steps of training from the model's own first parameters",
    arguments: trainedLosses, ProductArithmetic.available(.float32))
  func trained(golden: (sample: Int, losses: [Double]), by arithmetic: ProductArithmetic) {
    let training = SoloTraining(ModelConfiguration.tinySamples[golden.sample], seed: 44, by: arithmetic)
    var batches = BatchGenerator(seed: 45)
    for golden in golden.losses {
      let loss = training.step(batches.batch(), learningRate: 1e-3)
      if arithmetic == .fusedMultiplyAdds {
        #expect(loss == golden, "the model says \(loss)")
      } else {
        // Tiles add the terms of a product in another order, and so round differently.
        #expect(abs(loss - golden) <= 2e-6 * golden, "the model says \(loss)")
      }
    }
  }

  /// In bf16, of the second of those samples: the same on every processor, but on matrix tiles.
  static let trainedInBrainFloat: [Double] = [
    5.5429297075585025, 5.532080242566973, 5.51949213187732, 5.514085484061011, 5.510919437408448,
    5.489036507945243, 5.486471724382696, 5.466766244909737, 5.461726748117126, 5.447897544471166,
  ]

  @Test("The same ten steps in bf16", arguments: ProductArithmetic.available(.bf16))
  func trainedInBrainFloat(by arithmetic: ProductArithmetic) {
    let (sample, exact) = Self.trainedLosses[1]
    let training = SoloTraining(ModelConfiguration.tinySamples[sample], seed: 44, by: arithmetic)
    var batches = BatchGenerator(seed: 45)
    let losses = exact.map { _ in training.step(batches.batch(), learningRate: 1e-3) }
    if arithmetic.hasSameBits(as: .brainFloatByConversion) { #expect(losses == Self.trainedInBrainFloat) }
    for (loss, exact) in zip(losses, exact) { #expect(abs(loss - exact) <= 1e-3 * exact) }
  }
}

/// A model that cannot learn one short document by heart has a fault.
@Suite("Overfitting", .serialized)
struct OverfittingTests {
  static let text: [String] = [
    "Now ", "is ", "the ", "winter ", "of ", "our ", "discontent\n", "Made ", "glorious ", "summer ", "by ",
    "this ", "sun ", "of ", "York; ", "— ", "größer ", "als ", "größer.\n",
  ]

  static let words = text.map { Array($0.utf8) }
  static let byteCount = words.reduce(0) { $0 + $1.count }

  /// A model that has read the document 250 times. Its suite is serialized: one test at a time uses it.
  nonisolated(unsafe) static let trained: SoloTraining = {
    var configuration = ModelConfiguration()
    configuration.byteWidth = 32
    configuration.byteHeadSize = 16
    configuration.width = 48
    configuration.headSize = 12
    configuration.keyValueHeads = 2
    configuration.layers = 2
    let training = SoloTraining(configuration, seed: 1)
    for step in 1...250 {
      _ = training.step(.document(words), learningRate: 4e-3 * min(1, Double(step) / 20))
    }
    return training
  }()

  @Test("One document is learned by heart")
  func learned() {
    let sum = Self.trained.model.loss(.document(Self.words), Self.trained.weights)
    #expect(sum.nats / Double(Self.byteCount) < 0.05, "nats per byte")
    #expect(sum.correctWords == sum.words)
  }

  @Test("It is written back word for word, and closed, by plain repeated forward passes")
  func writtenBackSlowly() {
    let document = Self.trained.greedyDocument(limit: 2 * Self.byteCount)
    #expect(document.isClosed)
    #expect(document.words == Self.words)
  }

  @Test("The generator writes it back from any beginning, and stops by itself", arguments: [0, 1, 5, 18])
  func writtenBack(given: Int) throws {
    let (text, end) = try generate(after: Array(Self.words[..<given]), contextWords: 64)
    #expect(end == .documentMark)
    #expect(text == Self.words[given...].flatMap { $0 })
  }

  @Test("The generator continues a word that is only begun")
  func begunWord() throws {
    let (text, end) = try generate(after: Self.words[..<6] + [Array("disc".utf8)], contextWords: 64)
    #expect(end == .documentMark)
    #expect(text == Array("ontent\n".utf8) + Self.words[7...].flatMap { $0 })
  }

  @Test("A generator whose context overflows goes on, in valid UTF-8", arguments: [2, 3, 7])
  func smallContext(contextWords: Int) throws {
    let (text, _) = try generate(after: [], contextWords: contextWords, limit: 300, temperature: 1.5)
    #expect(String(validating: text, as: UTF8.self) != nil)
    #expect(text.count <= 300)
  }

  private func generate(
    after words: [[UInt8]], contextWords: Int, limit: Int = 400, temperature: Double = 0
  ) throws -> (text: [UInt8], end: TextGenerator.End) {
    let predictor = HierarchicalPredictor(
      Self.trained.model.model, Self.trained.weights,
      splitter: try WordSplitter(.whitespace),
      contextWords: contextWords)
    let generator = TextGenerator(predictor)
    var samplers = [try Sampler(temperature: temperature, topP: 1, seed: 1)]
    var text: [UInt8] = []
    generator.read(symbols: [Array(words.map { $0.map(Int.init) }.joined(separator: [Int(SpecialByte.word)]))]
    )
    let ends = try generator.write(byteLimit: limit, samplers: &samplers) { text += $1 }
    return (text, ends[0])
  }
}

/// Training of one process without anything around it: a model, its parameters, AdamW.
final class SoloTraining {
  let model: HierarchicalTransformer
  let parameters: FloatBuffer
  let weights: ModelWeights
  private let gradient: FloatBuffer
  private let firstMoments: FloatBuffer
  private let secondMoments: FloatBuffer
  private var stepCount = 0

  init(
    _ configuration: ModelConfiguration, seed: UInt64, by arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    model = HierarchicalTransformer(
      configuration,
      Execution(
        capacity: BatchCapacity(sequences: 1, sequenceWords: 256, maxWordBytes: 64), arithmetic: arithmetic))
    let count = model.table.count
    parameters = FloatBuffer(zeroed: count)
    weights = ModelWeights(model.table, in: parameters)
    gradient = FloatBuffer(zeroed: count)
    firstMoments = FloatBuffer(zeroed: count)
    secondMoments = FloatBuffer(zeroed: count)
    ParameterInitializer(model.table, seed: seed).fill(FlatSlice(parameters))
  }

  /// One step without weight decay and clipping.
  /// - Returns: what the batch cost before it, in nats per target position.
  func step(_ batch: Batch, learningRate: Double) -> Double {
    stepCount += 1
    let sum = model.lossAndGradient(batch, FlatMemory(weights, gradient: gradient))
    AdamW.update(
      parameters: parameters.base, gradients: gradient.base, firstMoments: firstMoments.base,
      secondMoments: secondMoments.base, count: model.table.count,
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
    let predictions = model.predictions(batch, weights)
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
