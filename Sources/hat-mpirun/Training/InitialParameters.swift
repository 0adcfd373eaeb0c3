import HATCore
import HATDistributed
import HATStorage
import HATText

/// Where a run's first parameters come from.
enum InitialParameters {
  /// Drawn, by the run's seed.
  case seed
  /// Another run's.
  case checkpoint(CheckpointReader)

  /// - Parameter name: `RUN` or `RUN@step`; nil for the seed.
  /// - Throws: `UserError`: when there is no such checkpoint; `configuration` when its model is another.
  init(_ name: String?, for configuration: Configuration, _ mixture: Mixture, tokenizer: TokenizerFile?)
    throws
  {
    guard let name else {
      self = .seed
      return
    }
    let reader = try CheckpointReference(parsing: name).open { TrainProgress.say("warning: \($0)") }
    try reader.manifest.requireSameModel(
      as: configuration, splittingRule: mixture.splitter.rule.versionedName,
      maxWordBytes: mixture.splitter.maximumWordBytes, tokenizerChecksum: tokenizer?.checksum, at: name)
    self = .checkpoint(reader)
  }

  func description(named name: String?) -> StartDescription? {
    guard case .checkpoint(let reader) = self, let name else { return nil }
    return StartDescription(reader, named: name)
  }
}
