import HATStorage
import SystemPackage

/// A vocabulary as the file that keeps it: what a run, and its checkpoints, are tied to.
public struct TokenizerFile: Sendable, Equatable {
  public let vocabulary: SubwordVocabulary
  public let content: [UInt8]
  public let checksum: Checksum

  public init(_ vocabulary: SubwordVocabulary) {
    self.init(vocabulary, content: vocabulary.encoded())
  }

  /// - Throws: `UserError`: `missingInput`, or `invalidData` for what is no such file.
  public init(reading path: FilePath) throws {
    let file = try FileReader(opening: path)
    guard file.length <= SubwordVocabulary.largestFile else {
      throw SubwordVocabulary.noTokenizerFile(path.string)
    }
    try self.init(content: file.read(at: 0, count: file.length), at: path.string)
  }

  /// - Parameter tokens: of its vocabulary.
  /// - Throws: `UserError`, also of kind `configuration` when it has another number of tokens.
  public init(reading path: FilePath, tokens: Int) throws {
    try self.init(reading: path)
    guard vocabulary.count == tokens else {
      throw UserError(
        .configuration, at: path.string,
        "it has \(vocabulary.count) tokens, the configuration's model.vocabulary is \(tokens)",
        hint: "Set model.vocabulary: \(vocabulary.count), or name another tokenizer.")
    }
  }

  /// - Throws: `UserError` of kind `invalidData` for what is no such file.
  public init(content: [UInt8], at place: String) throws {
    self.init(try SubwordVocabulary(tokenizerFile: content, at: place), content: content)
  }

  private init(_ vocabulary: SubwordVocabulary, content: [UInt8]) {
    (self.vocabulary, self.content, checksum) = (vocabulary, content, Checksum(of: content))
  }

  /// - Throws: `UserError` of kind `cannotWrite`.
  public func write(to path: FilePath) throws {
    try DurableFile.write(content, to: path)
  }

  /// Where a run keeps its own.
  public static func path(inRun run: FilePath) -> FilePath { run.appending("tokenizer.json") }
}
