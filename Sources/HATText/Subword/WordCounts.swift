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

  /// Counts the words of `text`, which is valid UTF-8.
  public mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
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
