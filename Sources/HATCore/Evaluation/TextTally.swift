import Foundation

/// What predicting documents gave.
public struct TextTally: Tally, Equatable {
  /// Cross-entropy summed over the bytes of text.
  public var textNats = 0.0
  /// Cross-entropy summed over everything else predicted: word ends and document ends, the price of the units.
  public var markNats = 0.0
  public var marks = 0
  public var textBytes = 0
  /// Text bytes whose arg-max was right.
  public var correctBytes = 0
  public var words = 0
  /// Words right at every position, their end included (paper eq. 15–16).
  public var correctWords = 0

  public init() {}

  public static func + (first: TextTally, second: TextTally) -> TextTally {
    var sum = first
    sum.textNats += second.textNats
    sum.markNats += second.markNats
    sum.marks += second.marks
    sum.textBytes += second.textBytes
    sum.correctBytes += second.correctBytes
    sum.words += second.words
    sum.correctWords += second.correctWords
    return sum
  }

  public var bitsPerByte: Double { bitsPerByte(textNats + markNats) }
  public var textBitsPerByte: Double { bitsPerByte(textNats) }
  public var markBitsPerByte: Double { bitsPerByte(markNats) }
  public var byteAccuracy: Double { Double(correctBytes) / Double(textBytes) }
  public var wordAccuracy: Double { Double(correctWords) / Double(words) }
  /// Nats per target position: what training minimises.
  public var loss: Double { (textNats + markNats) / Double(textBytes + marks) }

  private func bitsPerByte(_ nats: Double) -> Double { nats / log(2) / Double(textBytes) }

  public var measures: [Measure] {
    [
      Measure("bits_per_byte", bitsPerByte, better: .less),
      Measure("text_bits_per_byte", textBitsPerByte, better: .less),
      Measure("mark_bits_per_byte", markBitsPerByte, better: .less),
      Measure("byte_accuracy", byteAccuracy, better: .more),
      Measure("word_accuracy", wordAccuracy, better: .more),
      Measure("loss", loss, better: .less),
    ]
  }

  public var counts: [Count] {
    [
      Count("text_bytes", textBytes), Count("correct_bytes", correctBytes), Count("words", words),
      Count("correct_words", correctWords), Count("target_positions", textBytes + marks),
    ]
  }
}
