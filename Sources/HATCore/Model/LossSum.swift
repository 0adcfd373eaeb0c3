import Foundation

/// What a batch gave, as sums: losses of several batches add up (model.md §5).
public struct LossSum: Sendable, Equatable, Codable, BitwiseCopyable {
  /// Cross-entropy summed over all target positions.
  public var nats = 0.0
  /// Positions predicted: bytes and word marks, or tokens, and document marks.
  public var targetPositions = 0
  /// Bytes of text predicted.
  public var textBytes = 0
  /// Text bytes predicted each for itself: all of them, or none where tokens are predicted.
  public var spelledBytes = 0
  /// Those of them whose arg-max was right.
  public var correctBytes = 0
  /// Target words of text, document marks left out.
  public var words = 0
  /// Words right at every position, the closing `[W]` included, or in every token they reach into (paper eq. 15–16).
  public var correctWords = 0

  public init() {}

  /// Counts a target word of `bytes` bytes, of which `right` are right, and its mark.
  mutating func countWord(bytes: Int, right: Int, isMarkRight: Bool) {
    textBytes += bytes
    spelledBytes += bytes
    correctBytes += right
    words += 1
    if right == bytes && isMarkRight { correctWords += 1 }
  }

  public static func + (first: LossSum, second: LossSum) -> LossSum {
    var sum = first
    sum.nats += second.nats
    sum.targetPositions += second.targetPositions
    sum.textBytes += second.textBytes
    sum.spelledBytes += second.spelledBytes
    sum.correctBytes += second.correctBytes
    sum.words += second.words
    sum.correctWords += second.correctWords
    return sum
  }

  /// Nats per target position: what training minimises.
  public var loss: Double { nats / Double(targetPositions) }
  /// The marks' nats count, their positions do not: they are the price of the split.
  public var bitsPerByte: Double { nats / log(2) / Double(textBytes) }
  /// Not a number where tokens are predicted.
  public var byteAccuracy: Double { Double(correctBytes) / Double(spelledBytes) }
  public var wordAccuracy: Double { Double(correctWords) / Double(words) }
}
