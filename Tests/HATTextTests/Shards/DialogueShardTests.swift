import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Shards of version 3: dialogues and preferences come back as they were written, and nothing else is believed.
@Suite("Shards of dialogues") struct DialogueShardTests {
  private let folder = TemporaryFolder()
  private var path: FilePath { FilePath(folder.appending("a.shard")) }

  private static let kinds: [DocumentKind] = [.dialogues, .preferences]

  private func texts(_ count: Int, _ kind: DocumentKind, seed: UInt64) -> [MarkedText] {
    var generator = TextGenerator(seed: seed)
    return (0..<count).map { _ in generator.markedText(kind, turns: 5, words: 40) }
  }

  private func write(_ texts: [MarkedText], _ kind: DocumentKind) throws {
    let writer = try ShardWriter(
      creating: path, kind, splitter: WordSplitter(.whitespace), compressor: ZstdCompressor(level: 3))
    for text in texts {
      try text.bytes.withUnsafeBufferPointer {
        try writer.append(
          $0, checksum: Checksum(of: text.bytes), words: text.wordLengths, counted: text.counted,
          metadata: DocumentMetadata(["source": "test"]).encoded)
      }
    }
    _ = try writer.finish()
    try writer.commit()
  }

  private func readAll() throws { try ShardReader(opening: path).forEachDocument { _ in } }

  @Test("Documents come back with what counts", arguments: kinds)
  func documentsComeBack(kind: DocumentKind) throws {
    let texts = texts(4000, kind, seed: 61)
    try write(texts, kind)
    let shard = try ShardReader(opening: path)
    #expect(shard.kind == kind && shard.frameCount > 1 && shard.counts.documents == texts.count)
    var index = 0
    try shard.forEachDocument { document in
      let text = texts[index]
      try #require(document.text == text.bytes && document.kind == kind)
      try #require(document.wordLengths == text.wordLengths.map { Int($0) })
      try #require(document.counted == text.counted && document.metadata["source"] == "test")
      index += 1
    }
    #expect(index == texts.count)
  }

  @Test("Every flipped bit is found", arguments: kinds)
  func flippedBits(kind: DocumentKind) throws {
    try write(texts(30, kind, seed: 62), kind)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path.string))
    var generator = TextGenerator(seed: 63)
    let edges = Array(0..<80) + Array(whole.count - 200..<whole.count)
    for offset in edges + (0..<300).map({ _ in Int.random(in: 0..<whole.count, using: &generator) }) {
      let bit = Int.random(in: 0..<8, using: &generator)
      var damaged = whole
      damaged[offset] ^= UInt8(1 << bit)
      try damaged.write(to: URL(fileURLWithPath: path.string))
      try #require(errorKind(readAll) == .invalidData, "bit \(bit) of byte \(offset)")
    }
  }

  @Test("Every truncation is found", arguments: kinds)
  func truncations(kind: DocumentKind) throws {
    try write(texts(20, kind, seed: 64), kind)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path.string))
    for length in stride(from: 0, to: whole.count, by: max(1, whole.count / 500)) {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path.string))
      try #require(errorKind(readAll) == .invalidData, "cut to \(length) bytes")
    }
  }

  private func error(_ forge: ShardForge) throws -> String {
    try forge.write(to: path.string)
    #expect(errorKind(readAll) == .invalidData)
    return errorText(readAll)
  }

  @Test("Sizes of headers, indexes and frames are limited", arguments: kinds)
  func hostileSizes(kind: DocumentKind) throws {
    let forge = try ShardForge(kind, texts(25, kind, seed: 65))
    try forge.write(to: path.string)
    try readAll()
    for field in 0..<forge.fieldCount {
      for value in [0, 1 << 31, 1 << 40, 1 << 62, 1 << 63, UInt64.max] {
        var forged = forge
        forged.replacedFields[field] = value
        _ = try error(forged)
      }
    }
    for code in [0, 3, 1 << 31, UInt32.max] {
      var forged = forge
      forged.kind = code
      #expect(try error(forged).contains("of a kind that this hat does not know"))
    }
    // As the other kind, as text, and as what is not there.
    var forged = forge
    forged.kind = kind == .dialogues ? 2 : 1
    _ = try error(forged)
    (forged.version, forged.kind) = (2, nil)
    _ = try error(forged)
    (forged.version, forged.kind) = (3, nil)
    _ = try error(forged)
  }

  @Test("Counts of ranges are limited, and ranges are inside of their document and in order")
  func hostileRanges() throws {
    let text = texts(1, .dialogues, seed: 66)[0]
    let forge = try ShardForge(.dialogues, [text])
    let raw = try forge.raw()
    func forged(_ change: (inout [UInt8]) -> Void) throws -> String {
      var forged = forge
      var bytes = raw
      change(&bytes)
      forged.frames[0] = ShardForge.Frame(
        raw: bytes, documents: 1, words: text.wordLengths.count, textBytes: text.bytes.count)
      return try error(forged)
    }
    func put(_ value: UInt32, _ offset: Int, _ bytes: inout [UInt8]) {
      withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
    }
    // The count is the last field of the first entry.
    for value in [0, 1 << 20, 1 << 28, .max] as [UInt32] {
      let text = try forged { put(value, 4 + 20, &$0) }
      #expect(text.contains("add up") || text.contains("count of ranges"), "\(text)")
    }
    let words = UInt32(text.wordLengths.count)
    for (start, end) in [(0, 0), (3, 2), (0, words + 1), (words, words + 1), (.max, .max), (0, .max)]
      as [(UInt32, UInt32)]
    {
      _ = try forged {
        put(start, raw.count - 8, &$0)
        put(end, raw.count - 4, &$0)
      }
    }
    // Two that touch, that overlap, and that descend.
    for second in [(3, 4), (2, 4), (0, 1)] as [(UInt32, UInt32)] {
      let text = try forged { bytes in
        bytes.removeLast(8 * text.counted.count)
        for value in [2, 3, second.0, second.1] as [UInt32] { bytes.appendLittleEndian(value) }
        put(2, 4 + 20, &bytes)
      }
      #expect(text.contains("not in order"), "\(text)")
    }
  }

  private static let marks: [String: UInt8] = [
    "[system]": 0xF5, "[user]": 0xF6, "[assistant]": 0xF7, "[turn end]": 0xF8, "[S]": 0xFE,
  ]

  /// A frame of one document. Its words are divided by bars, and a star is before those that count.
  private func frame(_ document: String, _ kind: DocumentKind) -> ShardForge.Frame {
    var (bytes, lengths, counts): ([UInt8], [UInt32], [Bool]) = ([], [], [])
    for part in document.split(separator: "|") {
      let isCounted = part.hasPrefix("*")
      let word = String(part.dropFirst(isCounted ? 1 : 0))
      let content =
        word.hasPrefix("0x")
        ? [UInt8(word.dropFirst(2), radix: 16)!] : Self.marks[word].map { [$0] } ?? Array(word.utf8)
      bytes += content
      lengths.append(UInt32(content.count))
      counts.append(isCounted)
    }
    let starts = counts.indices.filter { counts[$0] && ($0 == 0 || !counts[$0 - 1]) }
    let counted = starts.map { start in start..<(counts[start...].firstIndex(of: false) ?? counts.count) }
    var builder = FrameBuilder(kind, wordLimit: 64)
    bytes.withUnsafeBufferPointer {
      // The builder refuses a dialogue in which nothing counts: it gets a range, which is taken out again.
      builder.append(
        $0, checksum: Checksum(of: bytes), words: lengths, counted: counted.isEmpty ? [0..<1] : counted,
        metadata: [])
    }
    var raw = builder.finish()
    if counted.isEmpty {
      raw.removeLast(8)
      raw[4 + 20] = 0
    }
    return ShardForge.Frame(raw: raw, documents: 1, words: lengths.count, textBytes: bytes.count)
  }

  @Test(
    "What is no dialogue is refused",
    arguments: [
      ("[assistant]|*a|*[turn end]", nil), ("[user]|q|[turn end]|[assistant]|*[turn end]", nil),
      ("[assistant]|a|[turn end]", "nothing counts"), ("[user]|q|[turn end]", "nothing counts"),
      ("[user]|*q|[turn end]|[assistant]|*a|*[turn end]", "no part of an answer"),
      ("[user]|q|*[turn end]|[assistant]|*a|*[turn end]", "no part of an answer"),
      ("*[assistant]|*a|*[turn end]", "no part of an answer"),
      ("a|[assistant]|*a|*[turn end]", "outside of its turns"),
      ("[assistant]|*a|*[turn end]|b", "outside of its turns"),
      ("[assistant]|*a|*[turn end]|[turn end]", "has not begun"), ("[assistant]|*a", "does not end"),
      ("[user]|[assistant]|*a|*[turn end]", "begins inside of another"),
      ("[assistant]|*a|[user]|*[turn end]", "begins inside of another"),
      ("[assistant]|*a|*[turn end]|[S]|[assistant]|*a|*[turn end]", "a mark of documents too many"),
      ("[assistant]|*0xFF|*[turn end]", "not valid UTF-8"),
      ("[assistant]|*0xF9|*[turn end]", "not valid UTF-8"),
      ("[assistant]|*0xC3|*[turn end]", "not valid UTF-8"),
      // A scalar is not continued behind a mark, but may be in the next word.
      ("[user]|0xC3|[turn end]|[assistant]|*0xA9|*[turn end]", "not valid UTF-8"),
      ("[assistant]|*0xC3|*0xA9|*[turn end]", nil),
    ] as [(String, String?)])
  func dialogueForm(document: String, problem: String?) throws {
    try check(document, .dialogues, problem)
  }

  @Test(
    "What is no pair is refused",
    arguments: [
      ("[assistant]|*a|*[turn end]|[S]|[assistant]|*b|*[turn end]", nil),
      ("[assistant]|*a|*[turn end]", "no mark between them"),
      ("[S]|[assistant]|*a|*[turn end]", "nothing counts"),
      ("[assistant]|*a|*[turn end]|[S]", "nothing counts"),
      ("[assistant]|*a|*[turn end]|[S]|[assistant]|b|[turn end]", "nothing counts"),
      ("[assistant]|*a|*[turn end]|*[S]|[assistant]|*b|*[turn end]", "no part of an answer"),
      ("[assistant]|*a|[S]|*[turn end]", "does not end"),
      (
        "[assistant]|*a|*[turn end]|[S]|[assistant]|*b|*[turn end]|[S]|[assistant]|*b|*[turn end]",
        "a mark of documents too many"
      ),
    ] as [(String, String?)])
  func pairForm(document: String, problem: String?) throws {
    try check(document, .preferences, problem)
  }

  private func check(_ document: String, _ kind: DocumentKind, _ problem: String?) throws {
    var forge = try ShardForge(kind, texts(1, kind, seed: 67))
    forge.frames = [frame(document, kind)]
    guard let problem else {
      try forge.write(to: path.string)
      return try readAll()
    }
    let text = try error(forge)
    #expect(text.contains(problem), "\(text)")
  }

  @Test("A mark is no part of a longer word")
  func marksInsideOfWords() throws {
    let good = texts(1, .dialogues, seed: 68)
    for mark in Self.marks.values {
      var forge = try ShardForge(.dialogues, good)
      var raw = try forge.raw()
      let text = 4 + 24
      let place = try #require(good[0].wordLengths.firstIndex { $0 > 1 })
      let start = good[0].wordLengths[..<place].reduce(0, +)
      raw[text + Int(start) + 1] = mark
      let bytes = Array(raw[text..<text + good[0].bytes.count])
      withUnsafeBytes(of: Checksum(of: bytes).value.littleEndian) { raw.replaceSubrange(16..<24, with: $0) }
      forge.frames = [
        ShardForge.Frame(
          raw: raw, documents: 1, words: good[0].wordLengths.count, textBytes: good[0].bytes.count)
      ]
      #expect(try error(forge).contains("not valid UTF-8 between its marks"))
    }
  }
}
