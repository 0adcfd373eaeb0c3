import Foundation

/// What a batch gave, as sums: losses of several batches add up (model.md §5).
public struct LossSum: Sendable, Equatable, Codable, BitwiseCopyable {
  /// Cross-entropy summed over all target positions.
  public var nats = 0.0
  /// Positions predicted: bytes, word marks and document marks.
  public var targetPositions = 0
  /// Bytes of text predicted: target positions without the marks.
  public var textBytes = 0
  /// Text bytes whose arg-max was right.
  public var correctBytes = 0
  /// Target words of text, document marks left out.
  public var words = 0
  /// Words right at every position, the closing `[W]` included (paper eq. 15–16).
  public var correctWords = 0

  public init() {}

  /// Counts a target word of `bytes` bytes, of which `right` are right, and its mark.
  mutating func countWord(bytes: Int, right: Int, isMarkRight: Bool) {
    textBytes += bytes
    correctBytes += right
    words += 1
    if right == bytes && isMarkRight { correctWords += 1 }
  }

  public static func + (first: LossSum, second: LossSum) -> LossSum {
    var sum = first
    sum.nats += second.nats
    sum.targetPositions += second.targetPositions
    sum.textBytes += second.textBytes
    sum.correctBytes += second.correctBytes
    sum.words += second.words
    sum.correctWords += second.correctWords
    return sum
  }

  /// Nats per target position: what training minimises.
  public var loss: Double { nats / Double(targetPositions) }
  /// The marks' nats count, their positions do not: they are the price of the split.
  public var bitsPerByte: Double { nats / log(2) / Double(textBytes) }
  public var byteAccuracy: Double { Double(correctBytes) / Double(textBytes) }
  public var wordAccuracy: Double { Double(correctWords) / Double(words) }
}
