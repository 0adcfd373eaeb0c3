import HATStorage

/// How a document is cut into words (docs/model.md §2). The only step between text and model that is not learned.
public enum SplittingRule: Sendable, Hashable {
  /// A run of scalars that are not white space and the whole run of white space after it.
  case whitespace
  /// Word boundaries of UAX #29, of Unicode 16.0, with what docs/splitting-rules.md adds.
  case unicode
  /// Every so many bytes, at the next scalar boundary.
  case fixed(Int)

  /// What the person writes, and what is shown: `whitespace`, `unicode`, `fixed:8`.
  public var name: String {
    switch self {
    case .whitespace: "whitespace"
    case .unicode: "unicode"
    case .fixed(let bytes): "fixed:\(bytes)"
    }
  }

  /// What shards and checkpoints keep: the name with the version of the rule's definition, `unicode-16.0-v1`.
  public var versionedName: String {
    switch self {
    case .whitespace, .fixed: name + "-v1"
    case .unicode: "\(name)-\(ScalarClass.unicodeVersion)-v1"
    }
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  public init(parsing text: String) throws {
    if text == "whitespace" {
      self = .whitespace
    } else if text == "unicode" {
      self = .unicode
    } else if let bytes = Self.fixedBytes(text) {
      self = .fixed(bytes)
    } else {
      throw UserError(
        .wrongUsage, at: "splitting rule", "\"\(text)\" is not a rule this version has",
        hint: "Use whitespace, unicode, or fixed:N for a word every N bytes, such as fixed:8.")
    }
  }

  /// Reads what `versionedName` wrote.
  /// - Throws: `UserError` of kind `invalidData`.
  public init(versionedName: String) throws {
    let name = String(versionedName.prefix { $0 != "-" })
    guard let rule = try? SplittingRule(parsing: name), rule.versionedName == versionedName else {
      throw UserError(
        .invalidData, at: "splitting rule", "\"\(versionedName)\" is not a rule this version knows",
        hint: "Use the version of hat that wrote the data, or preprocess the text again.")
    }
    self = rule
  }

  private static func fixedBytes(_ text: String) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "fixed", let bytes = Int(parts[1]), bytes >= 1,
      String(bytes) == parts[1]
    else { return nil }
    return bytes
  }
}

/// Cuts valid UTF-8 into words: a rule and the longest word allowed (docs/model.md §2).
///
/// The words are given as their lengths in bytes; one behind the other they are the text, byte for byte.
public struct WordSplitter: Sendable, Hashable {
  /// A scalar takes up to four bytes, so that no shorter limit can always be kept. The lengths of longer words than the longest
  /// would not fit their place in a shard.
  public static let wordLimits = 4...65_535
  public static let defaultWordLimit = 64

  public let rule: SplittingRule
  /// In bytes; `Int.max` is no limit.
  public let maximumWordBytes: Int

  /// - Throws: `UserError` of kind `wrongUsage` when the limit is none of `wordLimits` nor `Int.max`, or too small for the rule.
  public init(_ rule: SplittingRule, maximumWordBytes: Int = defaultWordLimit) throws {
    guard Self.wordLimits.contains(maximumWordBytes) || maximumWordBytes == .max else {
      let isSmall = maximumWordBytes < Self.wordLimits.lowerBound
      throw UserError(
        .wrongUsage, at: "`maximumWordBytes`",
        "a word limit of \(maximumWordBytes) bytes is too "
          + (isSmall ? "small: one character takes up to 4" : "large"),
        hint: "Use from \(Self.wordLimits.lowerBound) to \(Self.wordLimits.upperBound); the default is "
          + "\(Self.defaultWordLimit).")
    }
    if case .fixed(let bytes) = rule, bytes > maximumWordBytes {
      throw UserError(
        .wrongUsage, at: "`maximumWordBytes`",
        "the rule \(rule.name) makes longer words than the limit of \(maximumWordBytes) bytes",
        hint: "Raise the word limit to \(bytes) or more, or use a smaller N in fixed:N.")
    }
    self.rule = rule
    self.maximumWordBytes = maximumWordBytes
  }

  var hasWordLimit: Bool { maximumWordBytes != .max }

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

  /// The words of `text`, which is valid UTF-8.
  public func words(of text: [UInt8]) -> [ArraySlice<UInt8>] {
    var start = 0
    return split(text).map { length in
      defer { start += Int(length) }
      return text[start..<start + Int(length)]
    }
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

  private func splitEvery(_ bytes: Int, _ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    lengths.reserveCapacity(text.count / bytes + 1)
    var start = 0
    while start < text.count {
      var end = min(start + bytes, text.count)
      while end < text.count && UTF8.isContinuation(text[end]) { end += 1 }
      emit(start..<end, of: text, into: &lengths)
      start = end
    }
  }

  /// The word of the model that holds `word` when it stands between others: with the white space its rule puts
  /// behind or before it.
  /// - Returns: nil where the rule cuts it, or joins it with something else than white space.
  public func wordBetweenOthers(_ word: some StringProtocol) -> [UInt8]? {
    let (before, bytes) = (Array("the ".utf8), Array(word.utf8))
    let text = before + bytes + Array(" the".utf8)
    let wanted = before.count..<before.count + bytes.count
    for word in words(of: text)
    where word.startIndex <= wanted.lowerBound && word.endIndex >= wanted.upperBound {
      let surroundings = word[..<wanted.lowerBound] + word[wanted.upperBound...]
      return !wanted.isEmpty && surroundings.allSatisfy { $0 == UInt8(ascii: " ") } ? Array(word) : nil
    }
    return nil
  }
}
