@_exported import HATCore
import HATKernels
@_exported import HATStorage
@_exported import HATText

/// A trained model, ready to score text and to write it.
///
///     let model = try LoadedModel("runs/mine")
///     print(try model.score("It was the best of times.").sum.bitsPerByte)
///     print(try model.continuation(of: "It was ", bytes: 100))
///
/// The weights of a checkpoint are verified once and mapped from its files. One instance serves one thread at
/// a time.
public final class LoadedModel {
  /// As it was named.
  public let reference: String
  /// What the checkpoint says of itself.
  public let manifest: CheckpointManifest
  public let weights: ModelWeights
  /// What cuts text into words as the model was trained to read them.
  public let splitter: WordSplitter
  /// Of a subword model; nil for a hierarchical one.
  public let tokenizer: TokenizerFile?
  /// How a conversation becomes text for the model.
  public let template: ChatTemplate
  /// Threads to compute with. Results are the same for any number.
  public let threads: Int
  /// Of its matrix products.
  public let precision: Precision
  private lazy var scorer = makeScorer()

  public var configuration: Configuration { manifest.configuration }

  /// - Parameters:
  ///   - reference: `RUN` for the newest checkpoint that is whole, `RUN@100` for that of step 100.
  ///   - precision: of matrix products; nil for that of its training.
  ///   - damaged: called with what is wrong with each newer checkpoint that is skipped.
  /// - Throws: `UserError` when there is no such checkpoint or it is damaged.
  public init(
    _ reference: String, threads: Int = 1, precision: Precision? = nil,
    damaged: (UserError) -> Void = { _ in }
  ) throws {
    self.reference = reference
    let checkpoint = try CheckpointReference(parsing: reference)
    (manifest, weights) = try checkpoint.open(damaged: damaged) { ($0.manifest, try $0.weights()) }
    template = try ChatTemplate(record: manifest.template, at: reference)
    tokenizer = try Self.tokenizer(of: manifest, in: checkpoint)
    splitter = try WordSplitter(
      SplittingRule(versionedName: manifest.splittingRule), maximumWordBytes: manifest.maxWordBytes)
    self.threads = threads
    self.precision = precision ?? manifest.configuration.training.precision
  }

  private static func tokenizer(
    of manifest: CheckpointManifest, in checkpoint: CheckpointReference
  ) throws -> TokenizerFile? {
    guard manifest.configuration.model.kind == .subword else { return nil }
    let path = TokenizerFile.path(inRun: checkpoint.run)
    let tokenizer = try TokenizerFile(reading: path)
    guard tokenizer.checksum == manifest.tokenizerChecksum,
      tokenizer.vocabulary.count == manifest.configuration.model.vocabulary
    else {
      throw UserError(
        .invalidData, at: path.string, "it is not the tokenizer this checkpoint was trained with",
        hint: "Put back the run's own tokenizer.json.")
    }
    return tokenizer
  }

  /// How well the model predicts a document, each of its bytes once.
  /// - Returns: nats, counts and accuracies; `sum.bitsPerByte` is the usual figure.
  /// - Throws: `UserError`: `invalidData` where predictions are not finite; `configuration` where a sequence has no room for the longest
  ///   word.
  public func score(_ document: String) throws -> TextTally {
    try scorer.score(document: Array(document.utf8))
  }

  /// Continues the beginning of a document.
  /// - Parameters:
  ///   - bytes: the most to write; fewer if the model ends the document.
  ///   - temperature: 0 always takes the most likely byte, 1 samples from the model's probabilities.
  ///   - topP: samples from the most likely bytes whose probabilities add up to this.
  ///   - seed: of the samples: the same seed writes the same text.
  /// - Throws: `UserError` of kind `wrongUsage` for settings out of range, of kind `invalidData` where predictions are not finite.
  public func continuation(
    of prompt: String, bytes: Int, temperature: Double = 0.8, topP: Double = 0.95, seed: UInt64 = 1
  ) throws -> String {
    try text(
      behind: Array(prompt.utf8), bytes: bytes, Sampler(temperature: temperature, topP: topP, seed: seed))
  }

  /// Answers the last turn of a conversation.
  /// - Parameters: those of `continuation`.
  /// - Throws: also `UserError` of kind `configuration` for a model that has learned from no dialogues.
  public func answer(
    to turns: [DialogueMessage], bytes: Int, temperature: Double = 0.8, topP: Double = 0.95,
    seed: UInt64 = 1
  ) throws -> String {
    try text(
      behind: requireTemplate().prompt(turns), bytes: bytes,
      Sampler(temperature: temperature, topP: topP, seed: seed))
  }

  private func text(behind prompt: [UInt8], bytes: Int, _ sampler: Sampler) throws -> String {
    var samplers = [sampler]
    let generator = TextGenerator(makePredictor(documents: 1))
    generator.read([prompt])
    var text: [UInt8] = []
    _ = try generator.write(byteLimit: bytes, samplers: &samplers) { text += $1 }
    return String(decoding: text, as: UTF8.self)
  }
}

extension LoadedModel {
  /// What scores text in sequences of the length the model was trained with.
  public func makeScorer() -> any TextScorer {
    let (model, data) = (configuration.model, configuration.data)
    let execution = Execution(
      capacity: BatchCapacity(configuration, sequences: 1, maxWordBytes: manifest.maxWordBytes),
      arithmetic: configuration.productsHere(in: precision), workers: WorkerPool(threads: threads))
    if let tokenizer {
      return SubwordScorer(
        SubwordTransformer(model, execution), weights, tokenizer.vocabulary, splitter: splitter,
        sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes)
    }
    return HierarchicalScorer(
      HierarchicalTransformer(model, execution, reserving: true), weights, splitter: splitter,
      sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes)
  }

  /// The model as one that writes, in contexts of the length it was trained with.
  /// - Parameters:
  ///   - documents: at once, at most.
  ///   - embeddings: words whose embeddings are kept, at most.
  public func makePredictor(
    documents: Int, embeddings: Int = HierarchicalPredictor.defaultEmbeddings
  ) -> any SymbolPredictor {
    configuration.makePredictor(
      weights, splitter: splitter, tokenizer?.vocabulary, documents: documents, embeddings: embeddings,
      threads: threads, precision: precision)
  }

  /// - Throws: `UserError` of kind `configuration` when the model is not of that kind.
  public func require(_ kind: ModelKind, for purpose: String) throws {
    guard configuration.model.kind != kind else { return }
    throw UserError(
      .configuration,
      "\(purpose) needs a model of kind \(kind.rawValue), this one is "
        + configuration.model.kind.rawValue,
      hint: "Name the run of another model.")
  }

  /// The template of dialogues that the model has learned from.
  /// - Throws: `UserError` of kind `configuration` when it has learned from none.
  public func requireTemplate() throws -> ChatTemplate {
    guard template != .plain else {
      throw UserError(
        .configuration, at: reference,
        "this model has learned from no dialogues, so it does not know what a turn is",
        hint: "Tune it on some first (docs/tuning.md), or leave `chat` out: it then continues the prompt.")
    }
    return template
  }

  /// - Throws: `UserError` of kind `configuration` when the corpus was cut into words in another way.
  public func requireSameSplitting(as corpus: Corpus) throws {
    guard corpus.splitter == splitter else {
      throw UserError(
        .configuration, at: corpus.folder.string,
        "its words were cut by \(corpus.splitter.rule.versionedName) to at most "
          + "\(corpus.splitter.maximumWordBytes) bytes, the model's by \(splitter.rule.versionedName) to at "
          + "most \(splitter.maximumWordBytes)",
        hint: "Preprocess the text with `rule` \(splitter.rule.name) and `maximumWordBytes` "
          + "\(splitter.maximumWordBytes).")
    }
  }
}
