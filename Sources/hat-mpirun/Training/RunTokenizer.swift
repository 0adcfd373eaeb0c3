import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATText
import SystemPackage

/// The tokenizer of a run that trains a model of tokens.
///
/// It is the run's own, from its first start on; before, the one named, or that of the run whose parameters it begins
/// with, or else one learnt from the corpora.
struct RunTokenizer {
  let run: FilePath
  let named: String?
  let initialRun: FilePath?
  let vocabulary: Int
  let mixture: Mixture

  /// The same on every rank.
  /// - Throws: `UserError` when it cannot be read or learnt, or is of another size; `AgreedFailure`.
  func find(on communicator: any Communicator) throws -> TokenizerFile {
    let content = try communicator.onFirstRank { Data(try find().content) }
    return try communicator.together {
      try TokenizerFile(content: Array(content), at: "the tokenizer of rank 0")
    }
  }

  private func find() throws -> TokenizerFile {
    let own = TokenizerFile.path(inRun: run)
    let source = [named.map { FilePath($0) }, initialRun.map(TokenizerFile.path(inRun:))].compactMap(\.self)
      .first
    if DurableFile.exists(own) {
      let tokenizer = try TokenizerFile(reading: own, tokens: vocabulary)
      if let source { try requireSame(tokenizer, source) }
      return tokenizer
    }
    if let source { return try TokenizerFile(reading: source, tokens: vocabulary) }
    let tokenizer = TokenizerFile(try learn())
    TrainProgress.say(
      "a vocabulary of \(Amount.grouped(vocabulary)) tokens is learnt from the corpora, to be kept as \(own)")
    return tokenizer
  }

  private func requireSame(_ tokenizer: TokenizerFile, _ path: FilePath) throws {
    guard try TokenizerFile(reading: path).checksum != tokenizer.checksum else { return }
    throw UserError(
      .configuration, at: path.string, "the run in \(run) has another tokenizer",
      hint: "Leave --tokenizer out to go on with the run's own, or choose another --output folder.")
  }

  private func learn() throws -> SubwordVocabulary {
    var counts = WordCounts()
    for part in mixture.parts {
      try TextProgress("counting words").forEach(of: part.corpus, .train) { counts.add($0) }
    }
    return try SubwordVocabulary(learningFrom: counts, count: vocabulary)
  }
}
