import HATCore
import HATKernels
import HATRandom
import HATText
import TestSupport

/// A small model whose weights are drawn by lot, large enough that it prefers something.
struct SampleModel {
  let configuration: ModelConfiguration
  let weights: ModelWeights
  let splitter: WordSplitter
  /// Of a subword model.
  let vocabulary: SubwordVocabulary?
  static let (contextWords, contextBytes) = (12, 80)

  static func hierarchical() throws -> SampleModel { try SampleModel(.hierarchical) }
  static func subword() throws -> SampleModel { try SampleModel(.subword) }

  /// - Parameter endsTurns: whether it likes to end the turn of a dialogue.
  init(_ kind: ModelKind, endsTurns: Bool = false) throws {
    var model = ModelConfiguration()
    (model.byteWidth, model.byteHeadSize, model.width, model.headSize) = (16, 8, 32, 8)
    (model.layers, model.keyValueHeads) = (2, 2)
    if kind == .subword {
      (model.kind, model.vocabulary) = (.subword, 330)
      var (batches, counts) = (BatchGenerator(seed: 31), WordCounts())
      for word in batches.words(400) { counts.add(word) }
      vocabulary = try SubwordVocabulary(learningFrom: counts, count: model.vocabulary)
    } else {
      vocabulary = nil
    }
    configuration = model
    splitter = try WordSplitter(.whitespace, maximumWordBytes: 20)
    let table = TensorTable(model)
    let parameters = FloatBuffer(zeroed: table.count)
    var random = RandomSource(keys: 17)
    for index in 0..<table.count { parameters.base[index] = Float(random.nextUnit() - 0.5) }
    if endsTurns {
      // The row of the mark is that of a letter, and larger.
      let head = table.tensors.first { $0.name.hasSuffix("head.weight") }!
      let (start, width) = (head.range.lowerBound, head.shape[1])
      for column in 0..<width {
        parameters.base[start + Int(SpecialByte.turnEnd) * width + column] =
          5 * parameters.base[start + 0x74 * width + column]
      }
    }
    weights = ModelWeights(table, in: parameters)
  }

  func predictor(documents: Int) -> any SymbolPredictor {
    if let vocabulary {
      return SubwordPredictor(
        configuration, weights, vocabulary: vocabulary, documents: documents, contextWords: Self.contextWords,
        contextBytes: Self.contextBytes)
    }
    return HierarchicalPredictor(
      configuration, weights, splitter: splitter, documents: documents, contextWords: Self.contextWords)
  }

  func scorer() -> any TextScorer {
    let execution = Execution(capacity: BatchCapacity(positions: 256, piecePositions: 256, wordBytes: 20))
    if let vocabulary {
      return SubwordScorer(
        SubwordTransformer(configuration, execution), weights, vocabulary, splitter: splitter,
        sequenceWords: Self.contextWords, sequenceBytes: Self.contextBytes)
    }
    return HierarchicalScorer(
      HierarchicalTransformer(configuration, execution), weights, splitter: splitter,
      sequenceWords: Self.contextWords, sequenceBytes: Self.contextBytes)
  }

  func tokens(_ text: [UInt8]) -> [Int] {
    vocabulary.map { SubwordEncoder($0).encode(text).map(Int.init) } ?? text.map(Int.init)
  }

  func bytes(_ tokens: [Int]) -> [UInt8] {
    vocabulary.map { $0.decode(tokens.map(Int32.init)) } ?? tokens.map { UInt8($0) }
  }

  /// Beginnings of documents: some empty, some longer than a context.
  static func prompts(_ count: Int) -> [[UInt8]] {
    var random = BatchGenerator(seed: 5)
    return (0..<count).map { Array(random.words($0 * 3 % 25).joined()) }
  }
}
