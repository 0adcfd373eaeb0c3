import HATStorage

/// One micro-batch: pieces of documents, in flat arrays without padding.
///
/// A piece of k + 1 words gives k inputs (all but its last word) and k targets (all but its first): the word
/// the backbone reads and the word the decoder spells are neighbours in one list. The first word of a piece
/// is `[S]`, or the last word of the piece before it where a document was cut (docs/model.md §3).
///
/// All targets count, but in dialogues: there only answers do (docs/tuning.md). Of preference pairs, pieces 2i and 2i + 1
/// belong to `pairs[i]`: the chosen answer, then the rejected one, each behind the same question.
///
/// Legend: `W` words of all pieces, `P` pieces.
public struct Batch: PreferenceBatch, Sendable, Equatable {
  /// The bytes of all words, one behind the other.
  public private(set) var bytes: [UInt8] = []
  /// [W + 1]: word w is `bytes[wordOffsets[w]..<wordOffsets[w + 1]]`.
  public private(set) var wordOffsets: [Int32] = [0]
  /// [P + 1]: piece p is words `pieceOffsets[p]..<pieceOffsets[p + 1]`.
  public private(set) var pieceOffsets: [Int32] = [0]
  /// [W]: whether a word counts as a target; empty where all do.
  private var counted: [Bool] = []
  /// [P / 2]; empty but for preference pairs.
  public var pairs: [PreferencePair] = []

  public init() {}

  public var wordCount: Int { wordOffsets.count - 1 }
  public var pieceCount: Int { pieceOffsets.count - 1 }

  public func byteRange(ofWord word: Int) -> Range<Int> {
    Int(wordOffsets[word])..<Int(wordOffsets[word + 1])
  }

  public func wordRange(ofPiece piece: Int) -> Range<Int> {
    Int(pieceOffsets[piece])..<Int(pieceOffsets[piece + 1])
  }

  /// Whether a word is the document mark `[S]`.
  public func isDocumentMark(_ word: Int) -> Bool {
    let range = byteRange(ofWord: word)
    return range.count == 1 && bytes[range.lowerBound] == SpecialByte.document
  }

  /// Whether a word is a mark of documents or dialogues.
  public func isMark(_ word: Int) -> Bool {
    let range = byteRange(ofWord: word)
    return range.count == 1 && SpecialByte.isMark(bytes[range.lowerBound])
  }

  /// Whether a target word counts: whether it is part of the loss.
  public func counts(_ word: Int) -> Bool { counted.isEmpty || counted[word] }

  /// Bytes of text that are predicted in a piece: of all its words but the first, marks left out.
  public func textBytes(ofPiece piece: Int) -> Int {
    wordRange(ofPiece: piece).dropFirst().reduce(0) { $0 + (isMark($1) ? 0 : byteRange(ofWord: $1).count) }
  }

  /// What is predicted in a piece, in `bytes`: all its words but the first and a closing document mark. In a dialogue it has marks.
  public func text(ofPiece piece: Int) -> Range<Int> {
    let words = wordRange(ofPiece: piece)
    let end = isDocumentMark(words.upperBound - 1) ? words.upperBound - 1 : words.upperBound
    return Int(wordOffsets[words.lowerBound + 1])..<Int(wordOffsets[end])
  }

  /// Appends a word to the piece being built.
  /// - Parameter counts: whether it is part of the loss where it is a target.
  public mutating func appendWord(_ word: some Collection<UInt8>, counts: Bool = true) {
    precondition(!word.isEmpty, "a word has at least one byte")
    if !counts && counted.isEmpty { counted = Array(repeating: true, count: wordCount) }
    if !counted.isEmpty || !counts { counted.append(counts) }
    bytes.append(contentsOf: word)
    wordOffsets.append(Int32(bytes.count))
  }

  public mutating func appendDocumentMark(counts: Bool = true) {
    appendWord(CollectionOfOne(SpecialByte.document), counts: counts)
  }

  /// Ends the piece being built, which has at least two words: one to read, one to predict.
  public mutating func endPiece() {
    precondition(wordCount - Int(pieceOffsets.last!) >= 2, "a piece has an input word and a target word")
    pieceOffsets.append(Int32(wordCount))
  }

  /// Appends the pieces of another batch.
  public mutating func append(_ other: Batch) {
    let (byteBase, wordBase) = (Int32(bytes.count), Int32(wordCount))
    if !counted.isEmpty || !other.counted.isEmpty {
      counted = (0..<wordCount).map(counts) + (0..<other.wordCount).map(other.counts)
    }
    pairs += other.pairs
    bytes.append(contentsOf: other.bytes)
    wordOffsets.append(contentsOf: other.wordOffsets.dropFirst().map { $0 + byteBase })
    pieceOffsets.append(contentsOf: other.pieceOffsets.dropFirst().map { $0 + wordBase })
  }

  /// A whole document as one piece: `[S]`, its words, `[S]`.
  public static func document(_ words: some Sequence<some Collection<UInt8>>) -> Batch {
    var batch = Batch()
    batch.appendDocumentMark()
    for word in words { batch.appendWord(word) }
    batch.appendDocumentMark()
    batch.endPiece()
    return batch
  }

  /// A text as one document in one piece.
  /// - Throws: `UserError` of kind `invalidData` for what is not UTF-8, or empty.
  public static func text(_ text: [UInt8], splitter: WordSplitter) throws -> Batch {
    guard !text.isEmpty else {
      throw UserError(.invalidData, at: "text", "it is empty", hint: "Give some text.")
    }
    try TextValidation.requireValid(text, at: "text")
    return .document(splitter.words(of: text))
  }
}

/// Two answers to one question, of which one is preferred, as a batch holds them.
public struct PreferencePair: Sendable, Equatable {
  /// Its number in its part of its corpus, counted from 0.
  public var document: Int
  /// Of the document that holds both: it names the pair wherever it is.
  public var checksum: Checksum
  /// log π(chosen) - log π(rejected) by the model that tuning began with; nil until the trainer looks it up.
  public var referenceMargin: Double?

  public init(document: Int, checksum: Checksum, referenceMargin: Double? = nil) {
    (self.document, self.checksum, self.referenceMargin) = (document, checksum, referenceMargin)
  }
}

/// A batch that may hold preference pairs: of words, or of tokens.
public protocol PreferenceBatch {
  /// [P / 2]; empty but for preference pairs.
  var pairs: [PreferencePair] { get set }
}
