import HATStorage
import HeapModule

extension SubwordVocabulary {
  /// Learns a vocabulary from how often words occur: again and again the most frequent pair of neighbouring
  /// tokens becomes a token. A function of the counts alone.
  /// - Parameter count: tokens, the 256 bytes and the document mark included.
  /// - Throws: `UserError` of kind `configuration` when the words do not hold as many pairs that occur twice.
  public init(learningFrom words: WordCounts, count: Int) throws {
    guard Self.sizes ~= count else {
      throw UserError(
        .configuration, at: "vocabulary", "a vocabulary cannot have \(count) tokens",
        hint: "Choose from \(Self.sizes.lowerBound) to \(Self.sizes.upperBound), such as 8192.")
    }
    self.init()
    var learner = BytePairLearner(words)
    while self.count < count, let pair = learner.mostFrequent() {
      if joinedBytes(pair).elementsEqual(Self.documentMarkName.utf8) {
        learner.leave(pair)
      } else {
        learner.merge(pair, into: add(pair))
      }
    }
    guard self.count == count else {
      throw UserError(
        .configuration, at: "vocabulary", "the text gives only \(self.count) tokens, not \(count)",
        hint: "Choose a vocabulary of at most \(self.count), or learn it from more text.")
    }
  }
}

/// Finds the pair of neighbouring tokens that is the most frequent, of equally frequent ones that of the smaller tokens,
/// and merges it.
///
/// Words are kept as their tokens. Counts in the heap may be out of date, but every pair has an entry that is not too small; an entry
/// that comes to the top with an old count is put back with the true one.
struct BytePairLearner {
  /// A pair that occurs once saves nothing.
  static let fewestOccurrences = 2

  private struct Candidate: Comparable {
    var count: Int
    var pair: TokenPair

    static func < (left: Self, right: Self) -> Bool {
      (left.count, right.pair.left, right.pair.right) < (right.count, left.pair.left, left.pair.right)
    }
  }

  /// What is known of a pair.
  private struct Occurrences {
    var count = 0
    /// Words that hold it, or did; some may stand twice.
    var words: [Int32] = []
  }

  /// The tokens of all words, each word's in the place its bytes had.
  private var tokens: [Int32] = []
  private var starts: [Int] = []
  /// [words]: in tokens.
  private var lengths: [Int] = []
  private let counts: [Int]
  private var occurrences: [TokenPair: Occurrences] = [:]
  private var heap = Heap<Candidate>()

  init(_ words: WordCounts) {
    counts = words.counts
    for number in 0..<words.count {
      let bytes = words.words[number]
      starts.append(tokens.count)
      lengths.append(bytes.count)
      tokens.append(contentsOf: bytes.lazy.map(Int32.init))
      for place in starts[number]..<tokens.count - 1 { count(pairAt: place, ofWord: number) }
    }
    heap = Heap(occurrences.map { Candidate(count: $0.value.count, pair: $0.key) })
  }

  private mutating func count(pairAt place: Int, ofWord word: Int) {
    let pair = TokenPair(left: tokens[place], right: tokens[place + 1])
    add(counts[word], to: pair, ofWord: word)
  }

  private mutating func add(_ count: Int, to pair: TokenPair, ofWord word: Int) {
    occurrences[pair, default: Occurrences()].count += count
    if occurrences[pair]!.words.last != Int32(word) { occurrences[pair]!.words.append(Int32(word)) }
  }

  /// Nil when no pair occurs twice.
  mutating func mostFrequent() -> TokenPair? {
    while let top = heap.popMax(), top.count >= Self.fewestOccurrences {
      guard let count = occurrences[top.pair]?.count else { continue }
      if count == top.count { return top.pair }
      heap.insert(Candidate(count: count, pair: top.pair))
    }
    return nil
  }

  /// Never merges the pair.
  mutating func leave(_ pair: TokenPair) { occurrences[pair] = nil }

  /// Replaces the pair by a token wherever it stands.
  mutating func merge(_ pair: TokenPair, into token: Int32) {
    var created: Set<TokenPair> = []
    for word in occurrences.removeValue(forKey: pair)!.words {
      merge(pair, into: token, inWord: Int(word), created: &created)
    }
    for pair in created { heap.insert(Candidate(count: occurrences[pair]!.count, pair: pair)) }
  }

  private mutating func merge(
    _ pair: TokenPair, into token: Int32, inWord word: Int, created: inout Set<TokenPair>
  ) {
    let (start, count) = (starts[word], counts[word])
    var (read, write, end) = (start, start, start + lengths[word])
    while read < end {
      guard read + 1 < end, tokens[read] == pair.left, tokens[read + 1] == pair.right else {
        tokens[write] = tokens[read]
        (read, write) = (read + 1, write + 1)
        continue
      }
      if write > start {
        forget(TokenPair(left: tokens[write - 1], right: pair.left), count)
        let before = TokenPair(left: tokens[write - 1], right: token)
        add(count, to: before, ofWord: word)
        created.insert(before)
      }
      tokens[write] = token
      (read, write) = (read + 2, write + 1)
      if read < end {
        forget(TokenPair(left: pair.right, right: tokens[read]), count)
        let after = TokenPair(left: token, right: tokens[read])
        add(count, to: after, ofWord: word)
        created.insert(after)
      }
    }
    end = write
    lengths[word] = end - start
  }

  /// The pair being merged is gone already.
  private mutating func forget(_ pair: TokenPair, _ count: Int) {
    guard let index = occurrences.index(forKey: pair) else { return }
    occurrences.values[index].count -= count
  }
}
