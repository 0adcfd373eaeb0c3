import HATStorage

/// How often each distinct word of some text occurs: what byte pairs are learnt from.
///
/// Words are those of the `whitespace` rule without a limit, whatever rule a corpus was made with.
public struct WordCounts: Sendable {
  static let splitter = try! WordSplitter(.whitespace, maximumWordBytes: .max)

  private(set) var words = WordTable()
  /// [distinct words]
  private(set) var counts: [Int] = []
  private var lengths: [UInt32] = []

  public init() {}

  /// Distinct words.
  public var count: Int { counts.count }

  /// Counts the words of `text`, which is valid UTF-8 between marks; the marks are no words.
  public mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
    for run in text.split(whereSeparator: SpecialByte.isMark) {
      add(withoutMarks: UnsafeBufferPointer(rebasing: run))
    }
  }

  private mutating func add(withoutMarks text: UnsafeBufferPointer<UInt8>) {
    Self.splitter.split(text, into: &lengths)
    var start = 0
    for length in lengths {
      let end = start + Int(length)
      add(word: UnsafeBufferPointer(rebasing: text[start..<end]))
      start = end
    }
  }

  public mutating func add(_ text: [UInt8]) {
    text.withUnsafeBufferPointer { add($0) }
  }

  private mutating func add(word: UnsafeBufferPointer<UInt8>) {
    let number = words.insert(word)
    if number == counts.count { counts.append(0) }
    counts[number] += 1
  }
}

/// Numbers distinct words in the order they first come, and finds them again: open addressing over XXH3.
struct WordTable {
  private var bytes: [UInt8] = []
  /// [count + 1]: where each word starts in `bytes`.
  private var offsets = [0]
  /// Words by their hash, -1 where there is none; a power of two.
  private var slots = [Int32](repeating: -1, count: 1 << 10)

  var count: Int { offsets.count - 1 }

  /// The word of a number.
  subscript(number: Int) -> ArraySlice<UInt8> { bytes[offsets[number]..<offsets[number + 1]] }

  /// The number of a word, nil where it has none yet.
  func number(of word: UnsafeBufferPointer<UInt8>) -> Int? {
    let found = slots[slot(of: word)]
    return found >= 0 ? Int(found) : nil
  }

  /// The number of a word; a new one is `count` before the call.
  mutating func insert(_ word: UnsafeBufferPointer<UInt8>) -> Int {
    var place = slot(of: word)
    if slots[place] >= 0 { return Int(slots[place]) }
    if 2 * count >= slots.count {
      grow()
      place = slot(of: word)
    }
    slots[place] = Int32(count)
    bytes.append(contentsOf: word)
    offsets.append(bytes.count)
    return count - 1
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    offsets = [0]
    slots = [Int32](repeating: -1, count: slots.count)
  }

  /// Where the word is, or would be put.
  private func slot(of word: UnsafeBufferPointer<UInt8>) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Checksum(of: UnsafeRawBufferPointer(word)).value) & mask
    while slots[slot] >= 0, !isEqual(Int(slots[slot]), word) { slot = (slot + 1) & mask }
    return slot
  }

  private func isEqual(_ number: Int, _ word: UnsafeBufferPointer<UInt8>) -> Bool {
    let range = offsets[number]..<offsets[number + 1]
    return range.count == word.count
      && bytes.withUnsafeBufferPointer { UnsafeBufferPointer(rebasing: $0[range]).elementsEqual(word) }
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    for number in 0..<count {
      let range = offsets[number]..<offsets[number + 1]
      let place = bytes.withUnsafeBufferPointer { slot(of: UnsafeBufferPointer(rebasing: $0[range])) }
      slots[place] = Int32(number)
    }
  }
}
