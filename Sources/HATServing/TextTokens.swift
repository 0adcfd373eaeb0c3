import HAT
import Synchronization

/// A model's tokens, as clients see them: the bytes of text, or the tokens of a subword vocabulary, and marks. Those of
/// dialogues are tokens of models that have learned from dialogues; of others they are bytes that no text has.
public final class TextTokens: Sendable {
  /// What stands for the document mark where tokens are written as text.
  public static let documentMarkName = "<document>"

  /// Tokens are 0 ..< count.
  public let count: Int
  /// Opens a document, and closes one.
  public let documentMark: Int
  /// How a conversation becomes text for the model.
  public let template: ChatTemplate
  private let splitter: WordSplitter
  /// Nil where tokens are bytes.
  private let vocabulary: SubwordVocabulary?
  private let encoder: SharedEncoder?

  public init(_ model: LoadedModel) {
    (splitter, template) = (model.splitter, model.template)
    vocabulary = model.tokenizer?.vocabulary
    count = vocabulary?.count ?? 256
    documentMark = vocabulary == nil ? Int(SpecialByte.document) : Int(SubwordVocabulary.documentMark)
    encoder = vocabulary.map(SharedEncoder.init)
  }

  /// - Parameter text: UTF-8, in which the template's marks may stand.
  public func encode(_ text: some Collection<UInt8>) -> [Int] {
    let text = Array(text)
    guard let encoder else { return text.map(Int.init) }
    return encoder.encode(text).map(Int.init)
  }

  /// None for a mark.
  public func bytes(of token: Int) -> [UInt8] {
    if isDialogueMark(token) { return [] }
    if let vocabulary { return Array(vocabulary.bytes(of: Int32(token))) }
    return isMark(token) ? [] : [UInt8(token)]
  }

  public func bytes(of tokens: some Sequence<Int>) -> [UInt8] { tokens.flatMap { bytes(of: $0) } }

  /// Whether it has no text: a mark of documents or dialogues, or the end of a word.
  public func isMark(_ token: Int) -> Bool {
    token == documentMark || vocabulary == nil && token == Int(SpecialByte.word) || isDialogueMark(token)
  }

  public func isDialogueMark(_ token: Int) -> Bool {
    template == .turns && SpecialByte.isDialogueMark(symbol: token)
  }

  /// What is wrong with tokens as the text of a document; nil if nothing is. They may begin and end within a character;
  /// between marks of dialogues there are whole characters.
  public func fault(of tokens: [Int]) -> String? {
    if let token = tokens.first(where: { !(0..<count).contains($0) }) {
      return "\(token) is no token: they are from 0 to \(count - 1)"
    }
    if let mark = tokens.first(where: { isMark($0) && !isDialogueMark($0) }) {
      return "token \(mark) is a mark: a text has none, but for \(documentMark) at its beginning"
    }
    if let mark = tokens.first(where: SpecialByte.isDialogueMark(symbol:)) {
      guard template == .turns else {
        return "token \(mark) is a mark of dialogues, and the model has learned from none"
      }
      let texts = tokens.split(whereSeparator: isDialogueMark).map { bytes(of: $0) }
      return texts.allSatisfy { TextValidation.firstInvalidByte(in: $0) == nil }
        ? nil : "the tokens between marks are not valid UTF-8"
    }
    return splitter.split(partOfText: bytes(of: tokens)) == nil ? "the tokens are not valid UTF-8" : nil
  }
}

/// An encoder for several threads.
private final class SharedEncoder: Sendable {
  private let encoder: Mutex<SubwordEncoder>

  init(_ vocabulary: SubwordVocabulary) { encoder = Mutex(SubwordEncoder(vocabulary)) }

  func encode(_ text: [UInt8]) -> [Int32] { encoder.withLock { $0.encode(text) } }
}
