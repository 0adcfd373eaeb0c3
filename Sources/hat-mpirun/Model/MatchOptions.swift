import ArgumentParser
import HATCore
import HATStorage
import HATText
import SystemPackage

/// How `plan` finds the subword baseline of a hierarchical configuration.
struct MatchOptions: ParsableArguments {
  /// Bytes of text that are measured: enough for three digits.
  static let sampleBytes = 32 << 20
  private static let usualVocabulary = 8192

  @Flag(help: "Find the subword model of equal training cost, measured on --data.")
  var match = false

  @Option(
    help: ArgumentHelp(
      "With --match: a corpus made by preprocess; its first \(sampleBytes >> 20) MiB in training order are measured.",
      valueName: "DIR"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "With --match: the vocabulary, as `tokenizer learn` wrote it; learnt from what is measured without it.",
      valueName: "FILE"))
  var tokenizer: String?

  @Option(help: "With --match and no --tokenizer: tokens to learn; \(usualVocabulary) without it.")
  var vocabulary: Int?

  @Option(
    help: ArgumentHelp(
      "With --match: write the subword model's complete configuration there.", valueName: "FILE.yaml"))
  var write: String?

  func validate() throws {
    guard match == (data != nil) else { throw ValidationError("--match and --data need each other.") }
    guard match || (tokenizer == nil && vocabulary == nil && write == nil) else {
      throw ValidationError("--tokenizer, --vocabulary and --write need --match.")
    }
    guard tokenizer == nil || vocabulary == nil else {
      throw ValidationError("--tokenizer has its number of tokens: leave --vocabulary out.")
    }
  }

  func run(_ configuration: Configuration, _ plan: Plan) throws {
    try configuration.model.require(.hierarchical, for: "plan --match", at: plan.configurationFile)
    let corpus = try Corpus(opening: FilePath(data!))
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
    if let write { try DurableFile.write(Array(result.configuration.utf8), to: FilePath(write)) }
    try plan.json ? JSONOutput.print(result) : result.show(learnt: tokenizer == nil)
    try plan.requireFit(result.hierarchical, of: plan.configurationFile)
    try plan.requireFit(result.subword, of: write ?? "the subword model")
  }

  private func vocabulary(for sample: TextSample) throws -> SubwordVocabulary {
    if let tokenizer { return try TokenizerFile(reading: FilePath(tokenizer)).vocabulary }
    return try SubwordVocabulary(
      learningFrom: sample.countWords(), count: vocabulary ?? Self.usualVocabulary)
  }
}
