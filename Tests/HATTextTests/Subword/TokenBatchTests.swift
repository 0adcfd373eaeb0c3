import TestSupport
import Testing

@testable import HATText

@Suite("Token batches")
struct TokenBatchTests {
  /// Tokens a, b, … and "th", "the", " t".
  private static let vocabulary: SubwordVocabulary = {
    var vocabulary = SubwordVocabulary()
    let th = vocabulary.add(TokenPair(left: 0x74, right: 0x68))
    _ = vocabulary.add(TokenPair(left: th, right: 0x65))
    return vocabulary
  }()

  private static func word(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test("A document opens and closes with its mark")
  func document() {
    let tokens = TokenBatcher(Self.vocabulary).tokens(
      of: Batch.document([Self.word("the "), Self.word("cat")]))
    #expect(tokens.inputs == [256, 258, 0x20, 0x63, 0x61, 0x74])
    #expect(tokens.targets == [258, 0x20, 0x63, 0x61, 0x74, 256])
    #expect(tokens.pieceOffsets == [0, 6])
    #expect(tokens.words == [0..<2, 2..<5])
    #expect(tokens.textBytes == 7)
  }

  @Test("A piece that goes on opens with the last token of the word before")
  func continuation() {
    var batch = Batch()
    for word in ["bathe", "the ", "th"] { batch.appendWord(Self.word(word)) }
    batch.endPiece()
    let tokens = TokenBatcher(Self.vocabulary).tokens(of: batch)
    #expect(tokens.inputs == [258, 258, 0x20])
    #expect(tokens.targets == [258, 0x20, 257])
    #expect(tokens.words == [0..<2, 2..<3])
  }

  @Test("Words that share a token both name it")
  func sharedTokens() {
    // As the rule fixed:2 cuts "the the".
    var batch = Batch()
    batch.appendDocumentMark()
    for word in ["th", "e ", "th", "e"] { batch.appendWord(Self.word(word)) }
    batch.endPiece()
    let tokens = TokenBatcher(Self.vocabulary).tokens(of: batch)
    #expect(tokens.targets == [258, 0x20, 258])
    #expect(tokens.words == [0..<1, 0..<2, 2..<3, 2..<3])
    #expect(tokens.textBytes == 7)
  }

  @Test("Every byte of a batch's text is predicted once", arguments: UInt64(0)..<20)
  func allText(seed: UInt64) {
    var batches = BatchGenerator(seed: seed)
    let batch = batches.batch()
    let tokens = TokenBatcher(Self.vocabulary).tokens(of: batch)
    var (expected, words): ([UInt8], Int) = ([], 0)
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropFirst() where !batch.isDocumentMark(word) {
        expected += batch.bytes[batch.byteRange(ofWord: word)]
        words += 1
      }
    }
    #expect(Self.vocabulary.decode(tokens.targets) == expected)
    #expect(tokens.textBytes == expected.count && tokens.words.count == words)
    #expect(tokens.inputs.count == tokens.targets.count && tokens.pieceCount == batch.pieceCount)
  }

  @Test("A document of its marks alone")
  func empty() {
    let tokens = TokenBatcher(Self.vocabulary).tokens(of: Batch.document([[UInt8]]()))
    #expect(tokens.inputs == [256] && tokens.targets == [256] && tokens.words.isEmpty)
  }
}
