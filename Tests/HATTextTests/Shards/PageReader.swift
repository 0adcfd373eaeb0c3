import CXXHash
import CZstd
import Foundation

/// A shard reader written from docs/shard-format.md alone. It shares no code with the program, so that it can judge
/// both the page and the program; what the page says a reader checks it checks.
struct PageReader {
  struct Document: Equatable {
    var text: [UInt8]
    var words: [[UInt8]]
    var metadata: [String: String]
    var checksum: UInt64
    /// Whether each word counts.
    var counts: [Bool]
  }

  struct Violation: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  let rule: String
  let wordLimit: Int
  /// 0 for text, 1 for dialogues, 2 for preferences.
  let kind: Int
  private(set) var documents: [Document] = []

  private let file: [UInt8]

  init(path: String) throws {
    file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))

    // Header.
    try Self.require(file.count >= 28 + 64, "no room for header and trailer")
    try Self.require(Array(file[0..<8]) == Array("HATSHARD".utf8), "magic")
    let version = Self.number(file, 8, 4)
    try Self.require(version == 2 || version == 3, "version")
    wordLimit = Int(Self.number(file, 12, 4))
    try Self.require(4...65_535 ~= wordLimit, "word limit")
    let ruleLength = Int(Self.number(file, 16, 4))
    try Self.require(ruleLength <= 64, "length of the rule")
    kind = version == 2 ? 0 : Int(Self.number(file, 20, 4))
    try Self.require(version == 2 || kind == 1 || kind == 2, "kind")
    let ruleEnd = (version == 2 ? 20 : 24) + ruleLength
    let headerLength = ruleEnd + 8
    rule = String(decoding: file[ruleEnd - ruleLength..<ruleEnd], as: UTF8.self)
    try Self.require(Self.number(file, ruleEnd, 8) == Self.checksum(file[0..<ruleEnd]), "header checksum")

    // Trailer.
    let trailer = file.count - 64
    try Self.require(Array(file[(trailer + 56)...]) == Array("DRAHSTAH".utf8), "end")
    try Self.require(
      Self.number(file, trailer + 48, 8) == Self.checksum(file[trailer..<trailer + 48]), "trailer checksum")
    let frames = try Self.size(file, trailer, atMost: 1 << 24)
    let totals = try (1...3).map { try Self.size(file, trailer + 8 * $0, atMost: 1 << 48) }
    try Self.require(try Self.size(file, trailer + 32, atMost: 1 << 48) == file.count, "file length")

    // Index.
    let index = trailer - 56 * frames
    try Self.require(frames >= 1 && index >= headerLength, "room for the index")
    try Self.require(
      Self.number(file, trailer + 40, 8) == Self.checksum(file[index..<trailer]), "index checksum")
    var (offset, sums) = (headerLength, [0, 0, 0])
    for frame in 0..<frames {
      let entry = index + 56 * frame
      let length = try Self.size(file, entry, atMost: 1 << 30 + 1 << 23 + 1024)
      let rawLength = try Self.size(file, entry + 8, atMost: 1 << 30)
      let counts = [
        try Self.size(file, entry + 16, atMost: rawLength / (kind == 0 ? 20 : 24)),
        try Self.size(file, entry + 24, atMost: rawLength),
        try Self.size(file, entry + 32, atMost: rawLength),
      ]
      try Self.require(offset + length <= index, "frames fill the file")
      let compressed = Array(file[offset..<offset + length])
      try Self.require(
        Self.number(file, entry + 48, 8) == Self.checksum(compressed[...]), "compressed checksum")
      let raw = try Self.decompressed(compressed, count: rawLength)
      try Self.require(Self.number(file, entry + 40, 8) == Self.checksum(raw[...]), "raw checksum")
      try Self.require(try read(raw) == counts, "counts of a frame")
      offset += length
      for part in 0..<3 { sums[part] += counts[part] }
    }
    try Self.require(offset == index && sums == totals, "sums")
  }

  /// - Returns: documents, words, bytes of text.
  private mutating func read(_ raw: [UInt8]) throws -> [Int] {
    let count = Int(Self.number(raw, 0, 4))
    let entryLength = kind == 0 ? 20 : 24
    let entries = (0..<count).map { document in
      (0..<3).map { Int(Self.number(raw, 4 + entryLength * document + 4 * $0, 4)) }
    }
    let checksums = (0..<count).map { Self.number(raw, 4 + entryLength * $0 + 12, 8) }
    let rangeCounts = (0..<count).map { kind == 0 ? 0 : Int(Self.number(raw, 4 + entryLength * $0 + 20, 4)) }
    func sum(_ field: Int) -> Int { entries.reduce(0) { $0 + $1[field] } }
    let lengthBytes = wordLimit <= 255 ? 1 : 2
    var text = 4 + entryLength * count
    var length = text + sum(0)
    var metadata = length + lengthBytes * sum(1)
    var range = metadata + sum(2)
    try Self.require(range + 8 * rangeCounts.reduce(0, +) == raw.count, "parts fill the frame")
    for (entry, (checksum, ranges)) in zip(entries, zip(checksums, rangeCounts)) {
      let end = text + entry[0]
      let bytes = Array(raw[text..<end])
      try Self.require(!bytes.isEmpty && bytes.count <= 256 << 20, "length of a document")
      try Self.require(checksum == Self.checksum(bytes[...]), "document checksum")
      var words: [[UInt8]] = []
      for _ in 0..<entry[1] {
        let bytes = Int(Self.number(raw, length, lengthBytes))
        try Self.require(1...wordLimit ~= bytes && text + bytes <= end, "length of a word")
        words.append(Array(raw[text..<text + bytes]))
        (text, length) = (text + bytes, length + lengthBytes)
      }
      try Self.require(text == end, "words add up to the text")
      var counts = [Bool](repeating: kind == 0, count: words.count)
      var least = 0
      for _ in 0..<ranges {
        let (start, end) = (Int(Self.number(raw, range, 4)), Int(Self.number(raw, range + 4, 4)))
        try Self.require(least <= start && start < end && end <= words.count, "a range of words that count")
        for word in start..<end { counts[word] = true }
        (least, range) = (end + 1, range + 8)
      }
      try requireForm(words, counts)
      documents.append(
        Document(
          text: bytes, words: words, metadata: try Self.entries(raw[metadata..<metadata + entry[2]]),
          checksum: checksum, counts: counts))
      metadata += entry[2]
    }
    return [count, sum(1), sum(0)]
  }

  /// What is between marks is UTF-8. Turns are whole, answers alone count, and each dialogue has one that does.
  private func requireForm(_ words: [[UInt8]], _ counts: [Bool]) throws {
    func isMark(_ word: [UInt8]) -> Bool { [[0xF5], [0xF6], [0xF7], [0xF8], [0xFE]].contains(word) }
    let runs = kind == 0 ? [words[...]] : words.split(whereSeparator: isMark)
    for run in runs { try Self.require(String(validating: run.joined(), as: UTF8.self) != nil, "UTF-8") }
    if kind == 0 { return }
    var (role, dialogues): (UInt8, [Bool]) = (0, [false])
    for (word, counts) in zip(words, counts) {
      switch word {
      case [0xF5], [0xF6], [0xF7]:
        try Self.require(role == 0 && !counts, "a turn begins")
        role = word[0]
      case [0xFE]:
        try Self.require(role == 0 && !counts, "a dialogue ends")
        dialogues.append(false)
      default:
        try Self.require(role != 0 && (!counts || role == 0xF7), "a word of a turn")
        if counts { dialogues[dialogues.count - 1] = true }
        if word == [0xF8] { role = 0 }
      }
    }
    try Self.require(role == 0 && dialogues.count == kind && dialogues.allSatisfy { $0 }, "dialogues")
  }

  private static func entries(_ bytes: ArraySlice<UInt8>) throws -> [String: String] {
    var (entries, names) = ([String: String](), [String]())
    var rest = Array(bytes)
    func take(_ count: Int) throws -> [UInt8] {
      try require(count <= rest.count, "metadata entry")
      defer { rest.removeFirst(count) }
      return Array(rest[..<count])
    }
    while !rest.isEmpty {
      let name = String(decoding: try take(Int(number(take(1), 0, 1))), as: UTF8.self)
      entries[name] = String(decoding: try take(Int(number(take(2), 0, 2))), as: UTF8.self)
      names.append(name)
    }
    try require(names == names.sorted(), "metadata is sorted")
    return entries
  }

  private static func decompressed(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
    try require(ZSTD_getFrameContentSize(bytes, bytes.count) == UInt64(count), "declared content size")
    var raw = [UInt8](repeating: 0, count: count)
    try require(ZSTD_decompress(&raw, count, bytes, bytes.count) == count, "zstd")
    return raw
  }

  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * $1) }
  }

  private static func size(_ bytes: [UInt8], _ offset: Int, atMost limit: Int) throws -> Int {
    let value = number(bytes, offset, 8)
    try require(value <= UInt64(limit), "a size of \(value)")
    return Int(value)
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }
  }

  private static func require(_ holds: Bool, _ what: String) throws {
    if !holds { throw Violation(what) }
  }
}
