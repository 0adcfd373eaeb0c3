import ArgumentParser
import HATCore
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// The options of `plan` that find the subword baseline of a hierarchical configuration.
struct MatchOptions: ParsableArguments {
  /// Bytes of text to measure: enough for three digits.
  static let sampleBytes = 32 << 20
  private static let usualVocabulary = 8192

  @Flag(help: "Find the subword model of equal training cost, measured on --data.")
  var match = false

  @Option(
    help: ArgumentHelp(
      "With --match: the vocabulary, from `tokenizer learn` (default: learned from the measured text).",
      valueName: "FILE"))
  var tokenizer: String?

  @Option(help: "With --match and no --tokenizer: tokens to learn (default: \(usualVocabulary)).")
  var vocabulary: Int?

  func validate() throws {
    guard match || (tokenizer == nil && vocabulary == nil) else {
      throw ValidationError("--tokenizer and --vocabulary need --match.")
    }
    guard tokenizer == nil || vocabulary == nil else {
      throw ValidationError("--tokenizer sets the number of tokens: leave out --vocabulary.")
    }
  }

  func run(_ configuration: Configuration, _ plan: Plan) throws {
    let file = plan.settings.file!
    try configuration.model.require(.hierarchical, for: "plan --match", at: file)
    let corpus = try Corpus(opening: FilePath(plan.data[0].folder))
    let sample = try TextSample(
      of: corpus, seed: configuration.data.seed, sequenceWords: configuration.data.sequenceWords,
      sequenceBytes: configuration.data.sequenceBytes, bytes: Self.sampleBytes)
    let vocabulary = try vocabulary(for: sample)
    let text = MeasuredText(sample.sequences, vocabulary: vocabulary)
    var baseline = configuration
    baseline.model = try BaselineSearch(
      matching: configuration.model, vocabulary: vocabulary.count, cost: text.forwardPerByte
    ).best()
    try baseline.validate()
    let result = try MatchResult(
      hierarchical: configuration, subword: baseline, text, plan, vocabulary: vocabulary.count)
    if let write = plan.write { try DurableFile.write(Array(result.configuration.utf8), to: FilePath(write)) }
    if plan.printConfig { return print(result.configuration, terminator: "") }
    try plan.json ? JSONOutput.print(result) : result.show(learned: tokenizer == nil)
    try plan.requireFit(result.hierarchical, of: file)
    try plan.requireFit(result.subword, of: plan.write ?? "the subword model")
  }

  private func vocabulary(for sample: TextSample) throws -> SubwordVocabulary {
    if let tokenizer { return try TokenizerFile(reading: FilePath(tokenizer)).vocabulary }
    return try SubwordVocabulary(
      learningFrom: sample.countWords(), count: vocabulary ?? Self.usualVocabulary)
  }
}

/// A hierarchical model and the subword model of equal cost, side by side.
struct MatchResult: Encodable {
  struct Text: Encodable {
    let bytes: Int
    let bytesPerWord: Double
    let bytesPerToken: Double
    /// The mean over words, or tokens, of the length of the piece they are in.
    let wordsPerPiece: Double
    let tokensPerPiece: Double
    let vocabulary: Int
  }

  let text: Text
  let hierarchical: PlanResult
  let subword: PlanResult
  /// The cost of the subword model divided by that of the hierarchical model.
  let flopsRatio: Double
  /// The subword model's, as YAML.
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
  func show(learned: Bool) {
    print(
      "measured on the first \(Amount.memory(text.bytes)) of text in training order, with "
        + "\(Amount.grouped(text.vocabulary)) tokens \(learned ? "learned from it" : "given")")
    TextTable.show([
      ["", "words", "tokens"],
      ["bytes per unit", Amount.fixed(text.bytesPerWord, 3), Amount.fixed(text.bytesPerToken, 3)],
      [
        "mean length of their piece", Amount.fixed(text.wordsPerPiece, 1),
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
      ["  relative to hierarchical", "100.0 %", "\(Amount.fixed(100 * flopsRatio, 1)) %"],
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

  /// 12 width² per block, the projections between modules, and the baseline's two token matrices (arXiv 2501.10322).
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
