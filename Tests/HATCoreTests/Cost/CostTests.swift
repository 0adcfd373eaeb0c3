import Foundation
import HATCore
import HATStorage
import HATText
import Testing

@Suite struct PaperSizeTests {
  /// Backbone layers and heads, byte layers and heads, and millions of parameters in the blocks of backbone and of
  /// encoder or decoder with its projection (docs/model.md §7).
  @Test(arguments: [
    (18, 18, 3, 6, 1147.0, 23.0), (28, 28, 3, 6, 4316.0, 24.0), (36, 36, 4, 8, 9173.0, 55.1),
  ])
  func parametersMatchThePaper(
    layers: Int, heads: Int, byteLayers: Int, byteHeads: Int, backbone: Double, byteModule: Double
  ) throws {
    var model = ModelConfiguration()
    (model.layers, model.headSize, model.width) = (layers, 128, heads * 128)
    (model.encoderLayers, model.decoderLayers) = (byteLayers, byteLayers)
    (model.byteHeadSize, model.byteWidth) = (128, byteHeads * 128)
    let counts = Dictionary(
      uniqueKeysWithValues: ModuleParameters.all(of: TensorTable(model)).map {
        ($0.name, Double($0.count) / 1e6)
      })
    // The paper's 12·D² a block takes 8/3·D for the MLP width; the default rule rounds that up to a multiple of 32.
    #expect(abs(counts["backbone"]! / backbone - 1) < 0.006)
    #expect(abs(counts["encoder"]! / byteModule - 1) < 0.006)
    let head = Double(256 * model.byteWidth) / 1e6
    #expect(abs((counts["decoder"]! - head) / byteModule - 1) < 0.006)
  }
}

@Suite struct ModelCostTests {
  @Test func batchesCostWhatTheirProductsDo() {
    var model = ModelConfiguration()
    (model.byteWidth, model.byteHeadSize, model.byteMLPHidden) = (4, 2, 8)
    (model.encoderLayers, model.decoderLayers, model.layers) = (1, 1, 1)
    (model.width, model.headSize, model.mlpHidden) = (8, 4, 16)
    // [S] ab | ab [S]: inputs [S] (2 rows) and ab (3 rows), targets ab (3 positions) and [S] (1 position).
    let batch = Batch.document([Array("ab".utf8)])
    let byteBlock = 2 * (4 * 4 * 4 + 3 * 4 * 8)
    let block = 2 * (4 * 8 * 8 + 3 * 8 * 16)
    let encoder: Int = 5 * byteBlock + 4 * 4 * (2 * 2 + 3 * 3) + 2 * 2 * 8 * 4
    let backbone = 2 * block + 4 * 8 * 3
    let decoder: Int = 4 * (byteBlock + 2 * 256 * 4) + 4 * 4 * (6 + 1) + 2 * 2 * 8 * 4
    #expect(ModelCost(model).forward(batch) == Double(encoder + backbone + decoder))
  }
}

/// Baselines that cost what a hierarchical model does.
@Suite struct MatchingTests {
  /// Layers and heads of the backbone, of the byte modules and of the paper's baseline (docs/model.md §7).
  private static let paper = [(18, 3, 6, 16, 16), (28, 3, 6, 24, 24), (36, 4, 8, 32, 32)]

  private static func hierarchical(layers: Int, byteLayers: Int, byteHeads: Int) -> ModelConfiguration {
    var model = ModelConfiguration()
    (model.layers, model.headSize, model.width) = (layers, 128, layers * 128)
    (model.encoderLayers, model.decoderLayers) = (byteLayers, byteLayers)
    (model.byteHeadSize, model.byteWidth) = (128, byteHeads * 128)
    return model
  }

  /// With the paper's bytes per word and per token, in pieces of its 16 384 bytes.
  private static func paperCost(_ model: ModelConfiguration) -> Double {
    let bytes = 16_384.0
    return switch model.kind {
    case .hierarchical: ModelCost(model).forwardPerByte(bytesPerWord: 5.97, pieceWords: bytes / 5.97)
    case .subword: SubwordCost(model).forwardPerByte(bytesPerToken: 4.12, pieceTokens: bytes / 4.12)
    }
  }

  @Test(arguments: paper)
  func thePapersPairsMatch(layers: Int, byteLayers: Int, byteHeads: Int, baseLayers: Int, baseHeads: Int) {
    var baseline = ModelConfiguration()
    baseline.kind = .subword
    (baseline.vocabulary, baseline.headSize) = (65_536, 128)
    (baseline.layers, baseline.width) = (baseLayers, baseHeads * 128)
    let model = Self.hierarchical(layers: layers, byteLayers: byteLayers, byteHeads: byteHeads)
    let ratio = Self.paperCost(baseline) / Self.paperCost(model)
    #expect(abs(ratio - 1) <= BaselineSearch.tolerance, "\(ratio)")
  }

  @Test(arguments: paper)
  func theSearchFindsWhatThePaperChose(
    layers: Int, byteLayers: Int, byteHeads: Int, baseLayers: Int, baseHeads: Int
  ) throws {
    let model = Self.hierarchical(layers: layers, byteLayers: byteLayers, byteHeads: byteHeads)
    let found = try BaselineSearch(matching: model, vocabulary: 65_536, cost: Self.paperCost).best()
    #expect(abs(Self.paperCost(found) / Self.paperCost(model) - 1) < 0.02)
    #expect(abs(log(Double(found.layers) / Double(baseLayers))) < 0.15)
    #expect(abs(log(Double(found.heads) / Double(baseHeads))) < 0.1)
  }

  @Test func headsAndHiddenWidthFollowTheHierarchicalModel() throws {
    var model = ModelConfiguration()
    (model.width, model.headSize, model.layers, model.keyValueHeads) = (256, 16, 6, 4)
    (model.mlpHidden, model.ropeTheta) = (1024, 500)
    (model.initialDeviation, model.embeddingDeviation) = (0.05, 0.03)
    let text = try Self.text(vocabulary: 400)
    let found = try BaselineSearch(matching: model, vocabulary: 400, cost: text.forwardPerByte).best()
    #expect(found.kind == .subword && found.vocabulary == 400)
    #expect(found.headSize == 16 && found.heads == 4 * found.keyValueHeads! && found.ropeTheta == 500)
    #expect(found.initialDeviation == 0.05 && found.embeddingDeviation == 0.03)
    let hidden = try #require(found.mlpHidden)
    #expect(hidden % 32 == 0 && 0..<32 ~= hidden - 4 * found.width)
    var configuration = Configuration()
    configuration.model = found
    try configuration.validate()
  }

  /// `tiny`: a head of 8192 tokens leaves room for three blocks of its width, or four, but not for 5 %.
  @Test func smallModelsAreMatchedByTheirHiddenWidth() throws {
    let cost: (ModelConfiguration) -> Double = { model in
      model.kind == .subword
        ? SubwordCost(model).forwardPerByte(bytesPerToken: 4.2, pieceTokens: 264)
        : ModelCost(model).forwardPerByte(bytesPerWord: 5.535, pieceWords: 200)
    }
    let tiny = ModelConfiguration()
    let found = try BaselineSearch(matching: tiny, vocabulary: 8192, cost: cost).best()
    #expect(abs(cost(found) / cost(tiny) - 1) <= BaselineSearch.tolerance)
    let (hidden, usual) = (try #require(found.mlpHidden), StackShape.defaultMLPHidden(width: found.width))
    #expect(hidden != usual && abs(hidden - usual) <= usual / 4 && hidden % 32 == 0)
  }

  @Test func theNearestIsNamedWhereNoneMatches() throws {
    var model = ModelConfiguration()
    model.headSize = 128
    let cost: (ModelConfiguration) -> Double = {
      $0.kind == .subword ? 1.5 + 1e-6 * Double($0.backbone.mlpHidden) : 1
    }
    let error = #expect(throws: UserError.self) {
      _ = try BaselineSearch(matching: model, vocabulary: 1000, cost: cost).best()
    }
    #expect("\(try #require(error))".contains("costs 50.0 % more"))
  }

  /// The beginning of Hamlet in sequences, with tokens learnt from it.
  private static func text(vocabulary: Int) throws -> MeasuredText {
    let (sequences, vocabulary) = try hamlet(vocabulary: vocabulary)
    return MeasuredText(sequences, vocabulary: vocabulary)
  }

  private static func hamlet(vocabulary: Int) throws -> ([Batch], SubwordVocabulary) {
    let repository = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardized
    let file = repository.appendingPathComponent("Sources/hat-mpirun/Benchmark/hamlet.txt")
    let text = Array(try Data(contentsOf: file))
    let stream = try EvaluationStream(
      text: text, splitter: WordSplitter(.whitespace), sequenceWords: 150, sequenceBytes: 700)
    var (sequences, counts) = ([Batch](), WordCounts())
    while let sequence = try stream.nextSequence() { sequences.append(sequence) }
    counts.add(text)
    return (sequences, try SubwordVocabulary(learningFrom: counts, count: vocabulary))
  }

  /// What is found by the lengths of words and tokens holds for the batches that training computes.
  @Test func realBatchesCostWhatTheFormulasSay() throws {
    let (sequences, vocabulary) = try Self.hamlet(vocabulary: 500)
    let text = MeasuredText(sequences, vocabulary: vocabulary)
    var model = ModelConfiguration()
    (model.headSize, model.layers, model.width) = (8, 4, 96)
    let hierarchical = sequences.reduce(0) { $0 + ModelCost(model).forward($1) } / Double(text.textBytes)
    #expect(text.forwardPerByte(model) == hierarchical)
    let formula = ModelCost(model).forwardPerByte(
      bytesPerWord: text.bytesPerWord, pieceWords: text.pieceWords)
    #expect(abs(formula / hierarchical - 1) < 0.02, "\(formula / hierarchical)")

    let baseline = try BaselineSearch(
      matching: model, vocabulary: vocabulary.count, cost: text.forwardPerByte
    ).best()
    let batcher = TokenBatcher(vocabulary)
    let subword =
      sequences.reduce(0) { $0 + SubwordCost(baseline).forward(batcher.tokens(of: $1)) }
      / Double(text.textBytes)
    #expect(abs(text.forwardPerByte(baseline) / subword - 1) < 1e-12)
    #expect(abs(subword / hierarchical - 1) <= BaselineSearch.tolerance)
  }
}
