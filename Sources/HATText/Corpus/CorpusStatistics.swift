/// What words and documents a corpus is made of.
public struct CorpusStatistics: Sendable {
  public private(set) var counts = TextCounts()
  /// [longest word + 1]: how many words have each length in bytes.
  public private(set) var wordLengths: [Int] = [0]
  private var words = FrequentItems(capacity: 1 << 18)
  private var metadata: [String: FrequentItems] = [:]

  public init() {}

  public mutating func add(_ document: ShardDocument) {
    counts += TextCounts(documents: 1, words: document.wordLengths.count, bytes: document.text.count)
    for word in document.words {
      while wordLengths.count <= word.count { wordLengths.append(0) }
      wordLengths[word.count] += 1
      words.add(word)
    }
    for entry in document.metadata.entries {
      let kind = Array(entry.value.utf8).prefix { $0 != UInt8(ascii: "/") }
      metadata[entry.name, default: FrequentItems(capacity: 1 << 12)].add(kind)
    }
  }

  /// The most frequent words, with the white space that is part of them.
  public func mostFrequentWords(_ count: Int) -> [(word: String, count: Int)] {
    words.top(count).map { (String(decoding: $0.item, as: UTF8.self), $0.count) }
  }

  /// The names of metadata there are, and the most frequent values of each with their number of documents. Of a
  /// value with a slash what is before it counts: `book` for the source `book/chapter`.
  public func mostFrequentMetadata(_ count: Int) -> [(
    name: String, values: [(value: String, documents: Int)]
  )] {
    metadata.sorted { $0.key < $1.key }.map { name, items in
      (name, items.top(count).map { (String(decoding: $0.item, as: UTF8.self), $0.count) })
    }
  }
}

/// Counts items in bounded memory. Exact while there are no more kinds than `capacity`; then the rarest kinds are
/// forgotten, so that counts of frequent kinds may be slightly low, never high.
struct FrequentItems: Sendable {
  private let capacity: Int
  private var counts: [ArraySlice<UInt8>: Int] = [:]

  init(capacity: Int) {
    self.capacity = capacity
  }

  mutating func add(_ item: ArraySlice<UInt8>) {
    if let index = counts.index(forKey: item) {
      counts.values[index] += 1
    } else {
      if counts.count >= capacity { forgetRarest() }
      // A copy, for a slice would keep its whole document alive.
      counts[Array(item)[...]] = 1
    }
  }

  private mutating func forgetRarest() {
    let middle = counts.values.sorted()[counts.count / 2]
    counts = counts.filter { $0.value > middle }
  }

  func top(_ count: Int) -> [(item: ArraySlice<UInt8>, count: Int)] {
    counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map { ($0.key, $0.value) }
  }
}

private func < (left: (Int, ArraySlice<UInt8>), right: (Int, ArraySlice<UInt8>)) -> Bool {
  left.0 != right.0 ? left.0 < right.0 : left.1.lexicographicallyPrecedes(right.1)
}
