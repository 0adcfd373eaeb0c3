import HATStorage
import HATText

/// Random batches with everything in them that a model could get wrong.
public struct BatchGenerator {
  public var generator: OracleGenerator

  public init(seed: UInt64) {
    generator = OracleGenerator(seed: seed)
  }

  /// Words that are common in text and awkward for a model: one byte, several scripts, white space alone.
  private static let scalars: [String] = [
    "a", "b", "e", "t", "Z", "0", ".", " ", "\n", "ä", "ß", "é", "Ж", "語", "ह", "🙂", "\u{301}",
  ]

  /// UTF-8 of at most `longest` bytes, cut at a scalar boundary.
  public mutating func word(longest: Int) -> [UInt8] {
    let length = Int.random(in: 1...longest, using: &generator)
    var word: [UInt8] = []
    while true {
      let scalar = Array(Self.scalars.randomElement(using: &generator)!.utf8)
      if word.count + scalar.count > length { break }
      word += scalar
    }
    return word.isEmpty ? [0x61] : word
  }

  /// UTF-8 of exactly `length` bytes.
  public mutating func word(ofLength length: Int) -> [UInt8] {
    (0..<length).map { _ in UInt8.random(in: 0x61...0x7A, using: &generator) }
  }

  /// `count` words of at most `longest` bytes, the first of them a single byte.
  public mutating func words(_ count: Int, longest: Int = 9) -> [[UInt8]] {
    (0..<count).map { $0 == 0 ? word(ofLength: 1) : word(longest: longest) }
  }

  /// Dialogues as whole documents: answers count, and of the last one only a part, as where a document was cut.
  public mutating func dialogues(_ count: Int = 3) -> Batch {
    (0..<count).reduce(into: Batch()) { batch, _ in
      batch.append(dialogue([words(3), words(4)], answers: [words(2), words(5)]))
    }
  }

  /// Preference pairs, each with its reference: two answers to one question, one behind the other.
  public mutating func pairs(_ count: Int = 3) -> Batch {
    var batch = Batch()
    for index in 0..<count {
      let question = words(4)
      for answer in [words(3), words(5)] {
        batch.append(dialogue([question], answers: [answer]))
      }
      let margin = Double.random(in: -20...20, using: &generator)
      batch.pairs.append(
        PreferencePair(
          document: index, checksum: Checksum(value: UInt64(index)), referenceMargin: margin))
    }
    return batch
  }

  private func dialogue(_ questions: [[[UInt8]]], answers: [[[UInt8]]]) -> Batch {
    var batch = Batch()
    batch.appendDocumentMark()
    for (question, answer) in zip(questions, answers) {
      batch.appendWord([SpecialByte.user], counts: false)
      for word in question { batch.appendWord(word, counts: false) }
      batch.appendWord([SpecialByte.turnEnd], counts: false)
      batch.appendWord([SpecialByte.assistant], counts: false)
      for word in answer { batch.appendWord(word) }
      batch.appendWord([SpecialByte.turnEnd])
    }
    batch.appendDocumentMark(counts: false)
    batch.endPiece()
    return batch
  }

  /// Three pieces: a document with a repeated word and one of `longWord` bytes; the start of a document that
  /// was cut; a continuation piece, which opens with the last word of the piece before it.
  public mutating func batch(words count: Int = 24, longWord: Int = 64) -> Batch {
    let third = max(count / 3, 2)
    var first = words(third)
    first.append(first[0])
    first.insert(word(ofLength: longWord), at: Int.random(in: 0...first.count, using: &generator))
    var batch = Batch.document(first)

    let cut = words(2 * third)
    batch.appendDocumentMark()
    for word in cut[..<third] { batch.appendWord(word) }
    batch.endPiece()
    for word in cut[(third - 1)...] { batch.appendWord(word) }
    batch.appendDocumentMark()
    batch.endPiece()
    return batch
  }
}
