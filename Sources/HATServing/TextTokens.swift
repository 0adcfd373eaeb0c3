import HAT
import Synchronization

/// A model's tokens, as clients see them: the bytes of text, or the tokens of a subword vocabulary, and marks. Those of
/// dialogues are tokens of models that have learned from dialogues; of others they are bytes that no text has.
///
/// The bytes of a text are tokens for every model. Behind those of a vocabulary they have numbers of their own: a text of them is
/// scored byte by byte, whatever its tokens are.
public final class TextTokens: Sendable {
  /// What stands for the document mark where tokens are written as text.
  public static let documentMarkName = "<document>"

  /// The model's own are 0 ..< count.
  public let count: Int
  /// The number of byte 0; the others follow.
  public let firstByte: Int
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
    firstByte = vocabulary?.count ?? 0
    documentMark = vocabulary == nil ? Int(SpecialByte.document) : Int(SubwordVocabulary.documentMark)
    encoder = vocabulary.map(SharedEncoder.init)
  }

  /// All numbers of tokens.
  public var numbers: Range<Int> { 0..<max(count, firstByte + 256) }

  /// The model's own.
  /// - Parameter text: a part of valid UTF-8, which may begin and end within a scalar, and in which the template's marks may
  ///   stand.
  public func encode(_ text: some Collection<UInt8>) -> [Int] {
    guard let encoder else { return text.map(Int.init) }
    return encoder.encode(Array(text)).map(Int.init)
  }

  public func bytesAsTokens(_ text: some Collection<UInt8>) -> [Int] { text.map { firstByte + Int($0) } }

  /// None for a mark.
  public func bytes(of token: Int) -> [UInt8] {
    if isDialogueMark(token) { return [] }
    if let vocabulary {
      return token < firstByte ? Array(vocabulary.bytes(of: Int32(token))) : [UInt8(token - firstByte)]
    }
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

  /// Whether it is a byte that is not one of the model's own.
  private func isSpelled(_ token: Int) -> Bool { vocabulary != nil && token >= firstByte }

  /// The text of tokens that are bytes, and not the model's own; nil for others.
  public func spelledText(_ tokens: [Int]) -> [UInt8]? {
    tokens.first.map(isSpelled) == true ? bytes(of: tokens) : nil
  }

  /// What is wrong with tokens as the text of a document; nil if nothing is. They may begin and end within a character;
  /// between marks of dialogues there are whole characters.
  public func fault(of tokens: [Int]) -> String? {
    if let token = tokens.first(where: { !numbers.contains($0) }) {
      return "\(token) is no token: they are from 0 to \(numbers.upperBound - 1)"
    }
    if let mark = tokens.first(where: { isMark($0) && !isDialogueMark($0) }) {
      return "token \(mark) is a mark: a text has none, but for \(documentMark) at its beginning"
    }
    if Set(tokens.map(isSpelled)).count > 1 {
      return "tokens of the vocabulary and bytes, which are from \(firstByte) on, cannot be in one prompt"
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

  func encode(_ text: [UInt8]) -> [Int32] {
    MarkedTextPart.parts(of: text).flatMap { part in
      switch part {
      case .text(let bytes): encoder.withLock { $0.encode(partOfText: bytes) }
      case .mark(let byte): [Int32(byte)]
      }
    }
  }
}
