import Foundation
import HATStorage
import SystemPackage

/// A vocabulary as the file that keeps it: what a run, and its checkpoints, are tied to.
///
/// It is a `tokenizer.json` that the Hugging Face library `tokenizers` loads and encodes alike with. The document mark is
/// in it as a token that no text gives.
public struct TokenizerFile: Sendable, Equatable {
  public let vocabulary: SubwordVocabulary
  public let content: [UInt8]
  public let checksum: Checksum

  /// In bytes: far above that of any vocabulary.
  private static let largestFile = 1 << 28

  public init(_ vocabulary: SubwordVocabulary) {
    self.init(vocabulary, content: TokenizerContent(vocabulary).encoded())
  }

  /// - Throws: `UserError`: `missingInput`, or `invalidData` for what is no such file.
  public init(reading path: FilePath) throws {
    let file = try FileReader(opening: path)
    guard file.length <= Self.largestFile else { throw Self.notTokenizer(path.string) }
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
    guard let parsed = try? TokenizerContent(parsing: content) else { throw Self.notTokenizer(place) }
    do {
      self.init(try parsed.vocabulary(), content: content)
    } catch let damage as FormatDamage {
      throw Self.damaged(place, damage.problem)
    }
  }

  private init(_ vocabulary: SubwordVocabulary, content: [UInt8]) {
    (self.vocabulary, self.content, checksum) = (vocabulary, content, Checksum(of: content))
  }

  /// - Throws: `UserError` of kind `cannotWrite`.
  public func write(to path: FilePath) throws {
    try DurableFile.write(content, to: path)
  }

  /// The file as the library `transformers` wants it: the document mark is a special token, and begins every text.
  /// - Parameter withDialogueMarks: whether the bytes that are marks of dialogues are special tokens with their names too.
  /// - Throws: `UserError` of kind `configuration` where a token of text has such a name.
  public func contentForTransformers(withDialogueMarks: Bool = false) throws -> [UInt8] {
    let marks = withDialogueMarks ? Array(SpecialByte.system...SpecialByte.turnEnd) : []
    let names = marks.map(SpecialByte.name(ofDialogueMark:))
    for token in 0..<Int32(vocabulary.count) {
      let text = String(decoding: vocabulary.bytes(of: token), as: UTF8.self)
      guard names.contains(text) else { continue }
      throw UserError(
        .configuration, at: "token \(token) of the vocabulary",
        "it has the text \(text), which is the name of a mark of dialogues for the library transformers",
        hint: "Export the model as safetensors, or train one whose vocabulary was learned without such text.")
    }
    return SpecialTokenContent(TokenizerContent(vocabulary, dialogueMarks: withDialogueMarks)).encoded()
  }

  /// Where a run keeps its own.
  public static func path(inRun run: FilePath) -> FilePath { run.appending("tokenizer.json") }

  private static func notTokenizer(_ place: String) -> UserError {
    damaged(place, "it is not a tokenizer file")
  }

  private static func damaged(_ place: String, _ problem: String) -> UserError {
    UserError(
      .invalidData, at: place, problem, hint: "Restore the file, or learn the vocabulary again.")
  }
}

/// A `tokenizer.json` of ours, without special tokens, in the library's terms.
private struct TokenizerContent: Codable {
  struct Model: Codable, Equatable {
    var type = "BPE"
    var vocab: [String: Int32]
    /// Such as `Ġ t`: two tokens and a space.
    var merges: [String]
  }

  /// A step from text to tokens, or back. Each type has fields of its own.
  struct Step: Codable {
    var type: String
    var pattern: [String: String]?
    var behavior: String?
    var invert: Bool?
    var addPrefixSpace: Bool?
    var trimOffsets: Bool?
    var useRegex: Bool?

    /// The words of the `whitespace` rule, each with the white space after it.
    static let split = Step(
      type: "Split", pattern: ["Regex": #"\S+\s*|\s+"#], behavior: "Isolated", invert: false)
    /// Bytes as printable characters.
    static let byteLevel = Step(
      type: "ByteLevel", addPrefixSpace: false, trimOffsets: false, useRegex: false)
  }

  struct Steps: Codable {
    var type = "Sequence"
    var pretokenizers = [Step.split, .byteLevel]
  }

  var version = "1.0"
  var preTokenizer = Steps()
  var decoder = Step.byteLevel
  var model: Model

  /// Whether the bytes that are marks of dialogues have their names.
  var hasDialogueMarks: Bool {
    model.vocab[SpecialByte.name(ofDialogueMark: SpecialByte.turnEnd)] == Int32(SpecialByte.turnEnd)
  }

  init(_ vocabulary: SubwordVocabulary, dialogueMarks: Bool = false) {
    let names = (0..<Int32(vocabulary.count)).map {
      Self.name(of: $0, in: vocabulary, dialogueMarks: dialogueMarks)
    }
    model = Model(
      vocab: Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) }),
      merges: vocabulary.merges.map { "\(names[Int($0.pair.left)]) \(names[Int($0.pair.right)])" })
  }

  init(parsing bytes: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Self.self, from: Data(bytes))
  }

  func encoded() -> [UInt8] { Self.encoded(self) }

  static func encoded(_ content: some Encodable) -> [UInt8] {
    do {
      return try JSONFile.encoded(content, .prettyPrinted) + [0x0A]
    } catch {
      preconditionFailure("names and numbers can be written as JSON: \(error)")
    }
  }

  fileprivate static func name(
    of token: Int32, in vocabulary: SubwordVocabulary, dialogueMarks: Bool
  ) -> String {
    if token == SubwordVocabulary.documentMark { return SubwordVocabulary.documentMarkName }
    if dialogueMarks, SpecialByte.isDialogueMark(symbol: Int(token)) {
      return SpecialByte.name(ofDialogueMark: UInt8(token))
    }
    return PrintableBytes.text(vocabulary.bytes(of: token))
  }
}

extension TokenizerContent.Model {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    type = try container.decode(String.self, forKey: .type)
    vocab = try container.decode([String: Int32].self, forKey: .vocab)
    // The library itself now writes the tokens of a merge one by one.
    merges =
      try (try? container.decode([[String]].self, forKey: .merges))?.map { $0.joined(separator: " ") }
      ?? container.decode([String].self, forKey: .merges)
  }
}

extension TokenizerContent {
  /// The vocabulary, if it would be written with the same names, numbers and merges.
  /// - Throws: `FormatDamage` that names the first token or merge that is not what it should be.
  func vocabulary() throws -> SubwordVocabulary {
    guard model.type == "BPE" else { throw FormatDamage("its model is of type \(model.type), not BPE") }
    var vocabulary = SubwordVocabulary()
    for token in 0..<Int32(vocabulary.count) {
      try requireNumber(
        token, ofToken: Self.name(of: token, in: vocabulary, dialogueMarks: hasDialogueMarks))
    }
    for (index, merge) in model.merges.enumerated() {
      do {
        try add(merge, to: &vocabulary)
      } catch let damage as FormatDamage {
        throw FormatDamage("merge \(index + 1), \"\(merge)\", cannot be: \(damage.problem)")
      }
    }
    if let name = model.vocab.keys.sorted().first(where: { model.vocab[$0]! >= vocabulary.count }) {
      throw FormatDamage("no merge makes its token \"\(name)\"")
    }
    guard model.vocab.count == vocabulary.count else {
      throw FormatDamage("it has \(model.vocab.count) tokens, and its merges make \(vocabulary.count)")
    }
    return vocabulary
  }

  private func add(_ merge: String, to vocabulary: inout SubwordVocabulary) throws {
    let sides = merge.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard sides.count == 2 else { throw FormatDamage("it must be two tokens with a space between them") }
    let tokens = try sides.map { name in
      guard let token = model.vocab[name] else { throw FormatDamage("there is no token \"\(name)\"") }
      guard token != SubwordVocabulary.documentMark else {
        throw FormatDamage("no text has the document mark")
      }
      guard 0..<Int32(vocabulary.count) ~= token else {
        throw FormatDamage("no merge before it makes \"\(name)\"")
      }
      // Before anything is made of it: names that lie could double the length of a token again and again.
      guard Self.name(of: token, in: vocabulary, dialogueMarks: false) == name else {
        throw FormatDamage("\"\(name)\" has the number of another token")
      }
      return token
    }
    let pair = TokenPair(left: tokens[0], right: tokens[1])
    guard !vocabulary.joins(pair) else { throw FormatDamage("it is there twice") }
    let joined = sides.joined()
    guard let number = model.vocab[joined] else { throw FormatDamage("there is no token \"\(joined)\"") }
    guard number == vocabulary.add(pair) else {
      throw FormatDamage("its token \"\(joined)\" has the wrong number \(number)")
    }
  }

  private func requireNumber(_ number: Int32, ofToken name: String) throws {
    guard model.vocab[name] == number else {
      throw FormatDamage("its token \(number) must be \"\(name)\"")
    }
  }
}

/// The parts with a special token besides.
private struct SpecialTokenContent: Encodable {
  private let content: TokenizerContent

  init(_ content: TokenizerContent) { self.content = content }

  private enum Key: CodingKey {
    case addedTokens, postProcessor
  }

  func encode(to encoder: any Encoder) throws {
    try content.encode(to: encoder)
    let name = SubwordVocabulary.documentMarkName
    let (mark, number) = (JSONValue(name), JSONValue(Int(SubwordVocabulary.documentMark)))
    let dialogueMarks = content.hasDialogueMarks ? Array(SpecialByte.system...SpecialByte.turnEnd) : []
    let marks =
      dialogueMarks.map { (SpecialByte.name(ofDialogueMark: $0), Int($0)) }
      + [(name, Int(SubwordVocabulary.documentMark))]
    let opening: JSONValue = ["SpecialToken": ["id": mark, "type_id": 0]]
    func text(_ id: JSONValue) -> JSONValue { ["Sequence": ["id": id, "type_id": 0]] }
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(
      marks.map { name, number in
        [
          "id": JSONValue(number), "content": JSONValue(name), "single_word": false, "lstrip": false,
          "rstrip": false, "normalized": false, "special": true,
        ] as JSONValue
      }, forKey: .addedTokens)
    try container.encode(
      [
        "type": "TemplateProcessing", "single": [opening, text("A")],
        "pair": [opening, text("A"), opening, text("B")],
        "special_tokens": .object([name: ["id": mark, "ids": [number], "tokens": [mark]]]),
      ] as JSONValue, forKey: .postProcessor)
  }

  func encoded() -> [UInt8] { TokenizerContent.encoded(self) }
}

/// The characters that stand for bytes in a byte-level `tokenizer.json`: a printable Latin-1 character for itself, the
/// others by the characters from U+0100 on.
private enum PrintableBytes {
  private static let characters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...UInt32(UInt8.max)).map { byte in
      if 0x21...0x7E ~= byte || 0xA1...0xAC ~= byte || 0xAE...0xFF ~= byte { return Unicode.Scalar(byte)! }
      defer { next += 1 }
      return Unicode.Scalar(next)!
    }
  }()

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(characters[Int(byte)]) }
    return String(text)
  }
}
