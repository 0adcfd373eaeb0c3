import HeapModule

/// Writes text with the tokens of a vocabulary.
///
/// Each word of the `whitespace` rule is encoded for itself: its bytes are joined by the earliest merge that applies, the
/// leftmost first, until none does. Words met before are looked up.
///
/// Not for use by several threads at once.
public final class SubwordEncoder {
  public let vocabulary: SubwordVocabulary
  private let merges: [TokenPair: TokenChain.Step]
  private var known = WordTable()
  /// [known words + 1]: where the tokens of each start.
  private var knownOffsets = [0]
  private var knownTokens: [Int32] = []
  private var lengths: [UInt32] = []
  private var chain = TokenChain()

  /// Bounds the memory for known words: longer ones seldom come twice.
  private static let longestKnown = 32
  private static let mostKnown = 1 << 18

  public init(_ vocabulary: SubwordVocabulary) {
    self.vocabulary = vocabulary
    merges = Dictionary(
      uniqueKeysWithValues: vocabulary.merges.enumerated().map { rank, merge in
        (merge.pair, TokenChain.Step(rank: Int32(rank), token: merge.token))
      })
  }

  /// Appends the tokens of `text`, which is valid UTF-8 between marks. A mark is a token of its own, and what is between two is
  /// encoded for itself.
  public func encode(_ text: UnsafeBufferPointer<UInt8>, into tokens: inout [Int32]) {
    var rest = text[...]
    while let mark = rest.firstIndex(where: SpecialByte.isMark) {
      encode(withoutMarks: UnsafeBufferPointer(rebasing: rest[..<mark]), into: &tokens)
      tokens.append(SubwordVocabulary.token(ofMark: rest[mark]))
      rest = rest[(mark + 1)...]
    }
    encode(withoutMarks: UnsafeBufferPointer(rebasing: rest), into: &tokens)
  }

  private func encode(withoutMarks text: UnsafeBufferPointer<UInt8>, into tokens: inout [Int32]) {
    WordCounts.splitter.split(text, into: &lengths)
    var start = 0
    for length in lengths {
      let end = start + Int(length)
      encode(word: UnsafeBufferPointer(rebasing: text[start..<end]), into: &tokens)
      start = end
    }
  }

  public func encode(_ text: [UInt8]) -> [Int32] {
    var tokens: [Int32] = []
    text.withUnsafeBufferPointer { encode($0, into: &tokens) }
    return tokens
  }

  /// The tokens of a part of a text, which may begin and end within a scalar.
  /// - Precondition: it is a part of valid UTF-8.
  public func encode(partOfText bytes: some Collection<UInt8>) -> [Int32] {
    let bytes = Array(bytes)
    guard let lengths = WordCounts.splitter.split(partOfText: bytes) else {
      preconditionFailure("bytes are of a text")
    }
    var (start, tokens) = (0, [Int32]())
    bytes.withUnsafeBufferPointer { bytes in
      for length in lengths {
        let end = start + Int(length)
        encode(word: UnsafeBufferPointer(rebasing: bytes[start..<end]), into: &tokens)
        start = end
      }
    }
    return tokens
  }

  private func encode(word: UnsafeBufferPointer<UInt8>, into tokens: inout [Int32]) {
    guard word.count <= Self.longestKnown else { return merge(word, into: &tokens) }
    if let number = known.number(of: word) {
      tokens.append(contentsOf: knownTokens[knownOffsets[number]..<knownOffsets[number + 1]])
      return
    }
    if known.count == Self.mostKnown { forgetAll() }
    _ = known.insert(word)
    merge(word, into: &knownTokens)
    tokens.append(contentsOf: knownTokens[knownOffsets.last!...])
    knownOffsets.append(knownTokens.count)
  }

  private func forgetAll() {
    known.removeAll()
    knownTokens.removeAll(keepingCapacity: true)
    knownOffsets = [0]
  }

  private func merge(_ word: UnsafeBufferPointer<UInt8>, into tokens: inout [Int32]) {
    chain.fill(word)
    var waiting = Heap<TokenChain.Merge>()
    for place in 0..<word.count { chain.merge(at: place, merges).map { waiting.insert($0) } }
    while let merge = waiting.popMin() {
      // What stood there may have been merged otherwise since.
      guard chain.merge(at: merge.place, merges) == merge else { continue }
      chain.apply(merge)
      let places = [chain.previous[merge.place], Int32(merge.place)]
      for place in places where place >= 0 {
        chain.merge(at: Int(place), merges).map { waiting.insert($0) }
      }
    }
    chain.append(to: &tokens)
  }
}

/// A word's tokens as a chain from which merged ones are taken out.
private struct TokenChain {
  /// When a pair is merged, and what it becomes.
  struct Step: Equatable {
    var rank: Int32
    var token: Int32
  }

  /// A step that applies to the pair that starts at `place`.
  struct Merge: Comparable {
    var step: Step
    var place: Int

    static func < (left: Self, right: Self) -> Bool {
      (left.step.rank, left.place) < (right.step.rank, right.place)
    }
  }

  /// -1 for one taken out.
  private var tokens: [Int32] = []
  /// -1 before the first.
  private(set) var previous: [Int32] = []
  private var next: [Int32] = []

  mutating func fill(_ word: UnsafeBufferPointer<UInt8>) {
    tokens.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    for (place, byte) in word.enumerated() {
      tokens.append(Int32(byte))
      previous.append(Int32(place - 1))
      next.append(Int32(place + 1))
    }
  }

  func merge(at place: Int, _ merges: [TokenPair: Step]) -> Merge? {
    let following = Int(next[place])
    guard tokens[place] >= 0, following < tokens.count,
      let step = merges[TokenPair(left: tokens[place], right: tokens[following])]
    else { return nil }
    return Merge(step: step, place: place)
  }

  mutating func apply(_ merge: Merge) {
    let taken = Int(next[merge.place])
    tokens[merge.place] = merge.step.token
    tokens[taken] = -1
    next[merge.place] = next[taken]
    if next[taken] < tokens.count { previous[Int(next[taken])] = Int32(merge.place) }
  }

  func append(to result: inout [Int32]) {
    result.append(contentsOf: tokens.lazy.filter { $0 >= 0 })
  }
}
