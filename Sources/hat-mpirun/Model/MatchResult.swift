import HATCore

/// A hierarchical model and the subword model of equal cost, side by side.
struct MatchResult: Encodable {
  struct Text: Encodable {
    let bytes: Int
    let bytesPerWord: Double
    let bytesPerToken: Double
    /// Of the piece that a word, or a token, stands in.
    let wordsPerPiece: Double
    let tokensPerPiece: Double
    let vocabulary: Int
  }

  let text: Text
  let hierarchical: PlanResult
  let subword: PlanResult
  /// What the subword model costs, as a multiple of what the hierarchical one does.
  let flopsRatio: Double
  /// Of the subword model, as YAML.
  let configuration: String

  private let models: [ModelConfiguration]

  private enum CodingKeys: CodingKey {
    case text, hierarchical, subword, flopsRatio, configuration
  }

  init(
    hierarchical: Configuration, subword: Configuration, _ text: MeasuredText, _ plan: Plan, vocabulary: Int
  ) throws {
    let core = CoreRate(for: hierarchical)
    let sides = try [hierarchical, subword].map { configuration in
      try PlanResult(
        configuration, plan, forwardFlopsPerByte: text.forwardPerByte(configuration.model),
        bytesPerWord: text.bytesPerWord, bytesPerToken: text.bytesPerToken, core: core)
    }
    (self.hierarchical, self.subword) = (sides[0], sides[1])
    flopsRatio = sides[1].forwardFlopsPerByte / sides[0].forwardFlopsPerByte
    configuration = subword.yaml()
    models = [hierarchical.model, subword.model]
    self.text = Text(
      bytes: text.textBytes, bytesPerWord: text.bytesPerWord, bytesPerToken: text.bytesPerToken,
      wordsPerPiece: text.pieceWords, tokensPerPiece: text.pieceTokens, vocabulary: vocabulary)
  }
}

extension MatchResult {
  func show(learnt: Bool) {
    print(
      "measured on the first \(Amount.memory(text.bytes)) of text in training order, with "
        + "\(Amount.grouped(text.vocabulary)) tokens \(learnt ? "learnt from it" : "given")")
    TextTable.show([
      ["", "words", "tokens"],
      ["bytes in one", Amount.fixed(text.bytesPerWord, 3), Amount.fixed(text.bytesPerToken, 3)],
      [
        "in the piece one stands in", Amount.fixed(text.wordsPerPiece, 1),
        Amount.fixed(text.tokensPerPiece, 1),
      ],
    ])
    TextTable.show([["", "hierarchical", "subword"]] + costRows + parameterRows + memoryRows)
  }

  private var sides: [PlanResult] { [hierarchical, subword] }

  private var costRows: [[String]] {
    [
      ["backbone, blocks x width"] + models.map { "\($0.layers) x \($0.width)" },
      ["MLP width"] + models.map { "\($0.backbone.mlpHidden)" },
      ["FLOPs per byte"],
      ["  forward"] + sides.map { Amount.large($0.forwardFlopsPerByte) },
      ["  training"] + sides.map { Amount.large($0.trainingFlopsPerByte) },
      ["  of the hierarchical model's", "100.0 %", "\(Amount.fixed(100 * flopsRatio, 1)) %"],
    ]
  }

  private var parameterRows: [[String]] {
    let names = sides.flatMap { $0.modules.map(\.name) }.reduce(into: [String]()) { names, name in
      if !names.contains(name) { names.append(name) }
    }
    return [["parameters"]]
      + names.map { name in
        ["  \(name)"] + sides.map { $0.parameters[name].map { Amount.grouped($0) } ?? "-" }
      } + [
        ["  all"] + sides.map { Amount.grouped($0.totalParameters) },
        ["  all, as the paper counts"] + models.map { Amount.large(Self.paperParameters($0)) },
      ]
  }

  private var memoryRows: [[String]] {
    [
      ["memory of a rank, ZeRO stage \(hierarchical.zeroStage)"]
        + sides.map { Amount.memory($0.memory(ofStage: $0.zeroStage).total) }
    ]
  }

  /// 12 width² a block, the projections between modules, and the baseline's two token matrices (arXiv 2501.10322).
  private static func paperParameters(_ model: ModelConfiguration) -> Double {
    func blocks(_ layers: Int, _ width: Int) -> Double { 12 * Double(layers * width * width) }
    let backbone = blocks(model.layers, model.width)
    switch model.kind {
    case .hierarchical:
      return backbone + blocks(model.encoderLayers + model.decoderLayers, model.byteWidth)
        + 2 * Double(model.width * model.byteWidth)
    case .subword: return backbone + 2 * Double(model.vocabulary * model.width)
    }
  }
}
