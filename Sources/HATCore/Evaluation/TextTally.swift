import Foundation

/// What predicting documents gave.
public struct TextTally: Tally, Equatable {
  public var sum = LossSum()
  /// The part of the sum's nats that is not for bytes of text: word ends and document ends, the price of the units.
  public var markNats = 0.0

  public init() {}

  public static func + (first: TextTally, second: TextTally) -> TextTally {
    var tally = TextTally()
    tally.sum = first.sum + second.sum
    tally.markNats = first.markNats + second.markNats
    return tally
  }

  public var textBitsPerByte: Double { sum.bitsPerByte - markBitsPerByte }
  public var markBitsPerByte: Double { markNats / log(2) / Double(sum.textBytes) }

  public var measures: [Measure] {
    [
      Measure("bits_per_byte", sum.bitsPerByte, better: .less),
      Measure("text_bits_per_byte", textBitsPerByte, better: .less),
      Measure("mark_bits_per_byte", markBitsPerByte, better: .less),
      Measure("byte_accuracy", sum.byteAccuracy, better: .more),
      Measure("word_accuracy", sum.wordAccuracy, better: .more),
      Measure("loss", sum.loss, better: .less),
    ]
  }

  public var counts: [Count] {
    [
      Count("text_bytes", sum.textBytes), Count("correct_bytes", sum.correctBytes),
      Count("words", sum.words), Count("correct_words", sum.correctWords),
      Count("target_positions", sum.targetPositions),
    ]
  }
}
