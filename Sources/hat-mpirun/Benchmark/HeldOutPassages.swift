import HATCore
import HATRandom
import HATStorage
import HATText
import SystemPackage

/// Passages of held-out text, each starting at the beginning of a word.
struct HeldOutPassages {
  let texts: [[UInt8]]

  /// Draws among all passages that follow one another in the documents of all corpora.
  /// - Parameters:
  ///   - count: how many.
  ///   - bytes: of each, at most; the last character is left out where it would exceed them.
  /// - Throws: `UserError`: `missingInput`, and `invalidData` when there is not enough text.
  init(_ folders: [String], count: Int, bytes: Int, seed: UInt64) throws {
    var random = RandomSource(keys: seed)
    var drawn: [[UInt8]] = []
    var seen = 0
    for folder in folders {
      let corpus = try Corpus(opening: FilePath(folder))
      guard corpus.documents == .text else {
        throw UserError(
          .invalidData, at: folder, "it holds \(corpus.documents.rawValue), and passages are drawn from text",
          hint: "Give a corpus of text with --data.")
      }
      try corpus.forEachDocument(of: .holdout) { document in
        for passage in Self.passages(of: document, bytes: bytes) {
          seen += 1
          if drawn.count < count {
            drawn.append(passage)
          } else {
            // Algorithm R: every passage seen so far is among those drawn with the same probability.
            let place = random.next(below: seen)
            if place < count { drawn[place] = passage }
          }
        }
      }
    }
    guard drawn.count == count else {
      throw UserError(
        .invalidData, at: folders.joined(separator: ", "),
        "the held-out text has only \(drawn.count) passages of \(bytes) bytes; \(count) are needed",
        hint: "Give another corpus with --data, or fewer --documents or --prompt-bytes.")
    }
    texts = drawn
  }

  private static func passages(of document: ShardDocument, bytes: Int) -> [[UInt8]] {
    var passages: [[UInt8]] = []
    var (start, end) = (0, 0)
    for length in document.wordLengths {
      end += length
      guard end - start >= bytes else { continue }
      passages.append(wholeScalars(document.text[start..<start + bytes]))
      start = end
    }
    return passages
  }

  private static func wholeScalars(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var (prefix, whole) = (UTF8Prefix(), text.startIndex)
    for (index, byte) in zip(text.indices, text) {
      prefix.append(byte)
      if prefix.isAtBoundary { whole = index + 1 }
    }
    return Array(text[..<whole])
  }
}
