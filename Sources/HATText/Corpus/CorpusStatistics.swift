/// Statistics of a corpus. Marks of dialogues count as words in `counts` only.
public struct CorpusStatistics: Sendable {
  /// As manifests count: with marks.
  public private(set) var counts = TextCounts()
  /// Nil where all documents are text.
  public private(set) var dialogues: DialogueStatistics?
  /// [longest word + 1]: how many words have each length in bytes.
  public private(set) var wordLengths: [Int] = [0]
  private var words = FrequentItems(capacity: 1 << 18)
  private var metadata: [String: FrequentItems] = [:]

  public init() {}

  public mutating func add(_ document: ShardDocument) {
    counts += TextCounts(documents: 1, words: document.wordLengths.count, bytes: document.text.count)
    if document.kind != .text {
      if dialogues == nil { dialogues = DialogueStatistics() }
      dialogues!.add(document)
    }
    for word in document.words where document.kind == .text || !word.isMark {
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

/// What dialogues consist of, and what of them counts.
public struct DialogueStatistics: Sendable {
  private var marksOfBytes: [UInt8: Int] = [:]
  /// Without marks.
  public private(set) var textBytes = 0
  /// Words that are part of the loss, marks left out, and their bytes.
  public private(set) var countedWords = 0
  public private(set) var countedBytes = 0

  /// How often each mark occurs, by its name.
  public var marks: [(name: String, count: Int)] {
    marksOfBytes.sorted { $0.key < $1.key }.map { (SpecialByte.markName($0.key)!, $0.value) }
  }

  fileprivate mutating func add(_ document: ShardDocument) {
    let words = document.words
    for word in words {
      if word.isMark { marksOfBytes[word.first!, default: 0] += 1 } else { textBytes += word.count }
    }
    for word in document.counted.joined() where !words[word].isMark {
      countedWords += 1
      countedBytes += words[word].count
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
    counts.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key)
    }.prefix(count).map { ($0.key, $0.value) }
  }
}

/// How many words have which length, in rows few enough for a terminal.
public struct WordLengthHistogram: Sendable {
  public struct Row: Sendable, Equatable {
    /// In bytes.
    public var lengths: ClosedRange<Int>
    public var words: Int
    /// Of all words: those of these lengths.
    public var share: Double
  }

  public private(set) var rows: [Row] = []

  /// Lengths up to this one have a row of their own.
  static let longestSingle = 16

  /// - Parameter counts: how many words have each length, from 0 bytes on.
  public init(_ counts: [Int]) {
    let total = Double(max(1, counts.reduce(0, +)))
    for lengths in Self.ranges(upTo: counts.lastIndex { $0 > 0 } ?? 0) {
      let words = counts[lengths.clamped(to: 0...counts.count - 1)].reduce(0, +)
      rows.append(Row(lengths: lengths, words: words, share: Double(words) / total))
    }
  }

  /// 1, 2, … 16, then half an octave each: 17–24, 25–32, 33–48, 49–64, and so on.
  private static func ranges(upTo longest: Int) -> [ClosedRange<Int>] {
    var ranges = (1...longestSingle).prefix { $0 <= longest }.map { $0...$0 }
    var (end, step) = (longestSingle, longestSingle / 2)
    while end < longest {
      for _ in 0..<2 where end < longest {
        ranges.append(end + 1...end + step)
        end += step
      }
      step *= 2
    }
    return ranges
  }
}
