import HATStorage

/// Cuts valid UTF-8 into words: a rule and the longest word allowed (model.md §2).
///
/// The words are given as their lengths in bytes; one behind the other they are the text, byte for byte.
public struct WordSplitter: Sendable, Hashable {
  /// A scalar takes up to four bytes, so that no shorter limit can always be kept.
  public static let smallestWordLimit = 4
  /// The lengths of longer words would not fit their place in a shard.
  public static let largestWordLimit = 65_535
  public static let defaultWordLimit = 64

  public let rule: SplittingRule
  /// In bytes; `Int.max` is no limit.
  public let maximumWordBytes: Int

  /// - Throws: `UserError` of kind `wrongUsage` when the limit is too small for the rule, or for a scalar.
  public init(_ rule: SplittingRule, maximumWordBytes: Int = defaultWordLimit) throws {
    guard maximumWordBytes >= Self.smallestWordLimit else {
      throw UserError(
        .wrongUsage, at: "--max-word-bytes",
        "a word limit of \(maximumWordBytes) bytes is too small: one character takes up to 4",
        hint: "Use at least \(Self.smallestWordLimit); the default is \(Self.defaultWordLimit).")
    }
    if case .fixed(let bytes) = rule, bytes > maximumWordBytes {
      throw UserError(
        .wrongUsage, at: "--max-word-bytes",
        "the rule \(rule.name) makes longer words than the limit of \(maximumWordBytes) bytes",
        hint: "Raise the word limit to \(bytes) or more, or use a smaller N in fixed:N.")
    }
    self.rule = rule
    self.maximumWordBytes = maximumWordBytes
  }

  /// Replaces `lengths` by the lengths in bytes of the words of `text`, which is valid UTF-8.
  public func split(_ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    lengths.removeAll(keepingCapacity: true)
    switch rule {
    case .whitespace: splitAtWhitespace(text, into: &lengths)
    case .unicode: splitAtUnicodeBoundaries(text, into: &lengths)
    case .fixed(let bytes): splitEvery(bytes, text, into: &lengths)
    }
  }

  public func split(_ text: [UInt8]) -> [UInt32] {
    var lengths: [UInt32] = []
    text.withUnsafeBufferPointer { split($0, into: &lengths) }
    return lengths
  }

  /// Appends the word `range`, in parts where it is longer than the limit: each as many whole scalars as fit.
  @inline(__always)
  func emit(_ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    if range.count <= maximumWordBytes {
      lengths.append(UInt32(truncatingIfNeeded: range.count))
    } else {
      emitParts(range, of: text, into: &lengths)
    }
  }

  @inline(never)
  private func emitParts(
    _ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]
  ) {
    var start = range.lowerBound
    while range.upperBound - start > maximumWordBytes {
      var end = start + maximumWordBytes
      while UTF8.isContinuation(text[end]) { end -= 1 }
      lengths.append(UInt32(end - start))
      start = end
    }
    lengths.append(UInt32(range.upperBound - start))
  }
}
