import HATText

/// How far one document has come with the subword baseline.
///
/// When the context is full its older half is dropped, and the rest read again like the continuation piece of a
/// document.
struct SubwordDocument {
  /// The document mark, or the last token before the rest, and the tokens behind it, as far as they are kept.
  private var context = [SubwordVocabulary.documentMark]
  /// Words that begin behind the first token of the context.
  private var words = 0
  /// Tokens of the context that the model has read; none where it has to start anew.
  private(set) var readTokens = 0

  var unreadTokens: ArraySlice<Int32> { context[readTokens...] }

  mutating func append(_ token: Int32, _ limits: ContextLimits) {
    let opensWord = limits.opensWord(token, behind: context.last!)
    if context.count == limits.tokens || (opensWord && words == limits.words) {
      context.removeFirst(context.count - context.count / 2)
      words = zip(context, context.dropFirst()).count { limits.opensWord($1, behind: $0) }
      readTokens = 0
    }
    context.append(token)
    if opensWord { words += 1 }
  }

  mutating func markRead() {
    readTokens = context.count
  }
}

/// How much of a document the baseline was trained to see: as many words, and as many bytes, as a sequence holds.
struct ContextLimits {
  let words: Int
  /// A token has at least one byte.
  let tokens: Int
  /// [V]: whether a token begins, or ends, with ASCII white space; other white space is too rare to matter here.
  private let beginsWithSpace: [Bool]
  private let endsWithSpace: [Bool]

  init(words: Int, bytes: Int, _ vocabulary: SubwordVocabulary) {
    func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte ?? 0) }
    (self.words, tokens) = (max(2, words), max(4, bytes))
    let texts = (0..<vocabulary.count).map { vocabulary.bytes(of: Int32($0)) }
    beginsWithSpace = texts.map { isSpace($0.first) }
    endsWithSpace = texts.map { isSpace($0.last) }
  }

  func opensWord(_ token: Int32, behind last: Int32) -> Bool {
    last == SubwordVocabulary.documentMark || (endsWithSpace[Int(last)] && !beginsWithSpace[Int(token)])
  }
}
