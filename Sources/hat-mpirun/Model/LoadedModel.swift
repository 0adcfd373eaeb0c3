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

  var configuration: Configuration { manifest.configuration }

  /// - Parameter reference: `RUN` or `RUN@step`.
  /// - Throws: `UserError` when there is no such checkpoint or it is damaged.
  init(_ reference: String) throws {
    let reader = try CheckpointReference(parsing: reference).open { damage in
      FileHandle.standardError.write(Data("warning: \(damage)\n".utf8))
    }
    manifest = reader.manifest
    parameters = FloatBuffer(zeroed: manifest.parameterCount)
    try reader.readParameters(into: parameters.base)
    splitter = try WordSplitter(
      SplittingRule(versionedName: manifest.splittingRule), maximumWordBytes: manifest.maxWordBytes)
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

  /// A model for micro-batches of one sequence of the length it was trained with.
  func makeModel() -> HierarchicalTransformer {
    let data = configuration.data
    return HierarchicalTransformer(
      configuration.model,
      capacity: BatchCapacity(
        sequences: 1, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes,
        maxWordBytes: manifest.maxWordBytes))
  }

  func makeScorer() -> any TextScorer {
    HierarchicalScorer(
      makeModel(), parameters: parameters.base, splitter: splitter,
      sequenceWords: configuration.data.sequenceWords, sequenceBytes: configuration.data.sequenceBytes)
  }
}
