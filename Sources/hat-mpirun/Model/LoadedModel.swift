import Foundation
import HATCore
import HATKernels
import HATStorage
import HATText

/// A checkpoint's parameters in memory, with what is needed to use them.
struct LoadedModel {
  let manifest: CheckpointManifest
  let parameters: FloatBuffer
  let splitter: WordSplitter
  /// Of a model of tokens.
  let tokenizer: TokenizerFile?

  var configuration: Configuration { manifest.configuration }

  /// - Parameter reference: `RUN` or `RUN@step`.
  /// - Throws: `UserError` when there is no such checkpoint or it is damaged.
  init(_ reference: String) throws {
    let checkpoint = try CheckpointReference(parsing: reference)
    let reader = try checkpoint.open { damage in
      FileHandle.standardError.write(Data("warning: \(damage)\n".utf8))
    }
    manifest = reader.manifest
    tokenizer = try Self.tokenizer(of: reader.manifest, in: checkpoint)
    parameters = FloatBuffer(zeroed: manifest.parameterCount)
    try reader.readParameters(into: parameters.base)
    splitter = try WordSplitter(
      SplittingRule(versionedName: manifest.splittingRule), maximumWordBytes: manifest.maxWordBytes)
  }

  private static func tokenizer(
    of manifest: CheckpointManifest, in checkpoint: CheckpointReference
  ) throws -> TokenizerFile? {
    guard manifest.configuration.model.kind == .subword else { return nil }
    let path = TokenizerFile.path(inRun: checkpoint.run)
    let tokenizer = try TokenizerFile(reading: path)
    guard tokenizer.checksum == manifest.tokenizerChecksum else {
      throw UserError(
        .invalidData, at: path.string, "it is not the tokenizer this checkpoint was trained with",
        hint: "Put back the run's own tokenizer.json.")
    }
    return tokenizer
  }

  /// - Throws: `UserError` of kind `configuration` when the model is not of that kind.
  func require(_ kind: ModelKind, for purpose: String) throws {
    guard configuration.model.kind != kind else { return }
    throw UserError(
      .configuration,
      "\(purpose) needs a model of kind \(kind.rawValue), this one is "
        + configuration.model.kind.rawValue,
      hint: "Name the run of another model.")
  }

  /// - Throws: `UserError` of kind `configuration` when the corpus was cut into words in another way.
  func requireSameSplitting(as corpus: Corpus) throws {
    guard corpus.splitter == splitter else {
      throw UserError(
        .configuration, at: corpus.folder.string,
        "its words were cut by \(corpus.splitter.rule.versionedName) to at most "
          + "\(corpus.splitter.maximumWordBytes) bytes, the model's by \(splitter.rule.versionedName) to at "
          + "most \(splitter.maximumWordBytes)",
        hint: "Preprocess the text with --split \(splitter.rule.name) "
          + "--max-word-bytes \(splitter.maximumWordBytes).")
    }
  }

  /// What scores text in sequences of the length the model was trained with.
  func makeScorer() -> any TextScorer {
    let data = configuration.data
    if let tokenizer {
      return SubwordScorer(
        SubwordTransformer(
          configuration.model, capacity: TokenCapacity(of: configuration, sequences: 1),
          arithmetic: .fastest),
        parameters: parameters.base, tokenizer.vocabulary, splitter: splitter,
        sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes)
    }
    let model = HierarchicalTransformer(
      configuration.model,
      capacity: BatchCapacity(
        sequences: 1, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes,
        maxWordBytes: manifest.maxWordBytes),
      arithmetic: .fastest)
    return HierarchicalScorer(
      model, parameters: parameters.base, splitter: splitter, sequenceWords: data.sequenceWords,
      sequenceBytes: data.sequenceBytes)
  }
}
