import Foundation
import HATRandom
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Random damage and random text, for some seconds each. What a reader accepts must be what it promises; all else is
/// an error of the user's, never a crash.
@Suite struct FuzzTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.appending("a.shard") }

  /// Reads a shard to its end where that is possible, and checks what comes of it.
  private func read() throws {
    do {
      let shard = try ShardReader(opening: FilePath(path))
      var counts = TextCounts()
      try shard.forEachDocument { document in
        let limit = shard.splitter.maximumWordBytes
        try #require(TextValidation.firstInvalidByte(in: document.text) == nil)
        try #require(document.wordLengths.allSatisfy { 1...limit ~= $0 })
        try #require(document.wordLengths.reduce(0, +) == document.text.count)
        try #require(Checksum(of: document.text) == document.checksum)
        counts += TextCounts(documents: 1, words: document.wordLengths.count, bytes: document.text.count)
      }
      try #require(counts == shard.counts)
    } catch let error as UserError {
      try #require(error.kind == .invalidData)
    }
  }

  private func texts(_ generator: inout TextGenerator) -> [[UInt8]] {
    (0..<Int.random(in: 1...25, using: &generator)).map { _ in
      generator.text(scalars: Int.random(in: 1...60, using: &generator))
    }
  }

  @Test func shardsOfAnyBytes() throws {
    try Fuzzer.run { generator in
      let whole = try ShardForge(texts(&generator)).bytes
      let damaged = generator.damaged(whole)
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      if damaged == whole { return }
      let error = #expect(throws: UserError.self) {
        try ShardReader(opening: FilePath(path)).forEachDocument { _ in }
      }
      try #require(error?.kind == .invalidData)
    }
  }

  @Test func headersAndIndexesOfAnyNumbers() throws {
    try Fuzzer.run { generator in
      var forge = try ShardForge(texts(&generator))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: forge.version = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 2))
      case 1: forge.wordLimit = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 64))
      case 2: forge.ruleLength = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 13))
      case 3: forge.rule = generator.damaged(forge.rule)
      default:
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
          let field = Int.random(in: 0..<forge.fieldCount, using: &generator)
          forge.replacedFields[field] = generator.hostileNumber(near: 100)
        }
      }
      try forge.write(to: path)
      try read()
    }
  }

  @Test func framesOfAnyContent() throws {
    try Fuzzer.run { generator in
      var forge = try ShardForge(texts(&generator))
      let number = Int.random(in: 0..<forge.frames.count, using: &generator)
      var frame = forge.frames[number]
      if Bool.random(using: &generator) {
        frame.compressed = generator.damaged(frame.compressed)
      } else {
        let raw = try ZstdDecompressor().decompress(frame.compressed, count: Int(frame.declared[0]))
        let damaged = generator.damaged(raw)
        let declared = frame.declared.map { Int($0) }
        frame = ShardForge.Frame(
          raw: damaged, documents: declared[1], words: declared[2], textBytes: declared[3])
      }
      forge.frames[number] = frame
      try forge.write(to: path)
      try read()
    }
  }

  @Test func splittersOnAnyText() throws {
    let rules = WordSplitterTests.rules
    try Fuzzer.run { generator in
      let text = generator.text(scalars: Int.random(in: 1...300, using: &generator))
      let more = text + generator.text(scalars: Int.random(in: 1...9, using: &generator))
      let limit = [4, 5, 16, 64, 65_535].randomElement(using: &generator)!
      for rule in rules {
        let words = try WordSplitter(rule, maximumWordBytes: limit).split(text)
        try #require(words.reduce(0, +) == text.count)
        try #require(words.allSatisfy { 1...UInt32(limit) ~= $0 })
        let whole = try WordSplitter(rule, maximumWordBytes: .max)
        // Text added to the right changes the last word; of `unicode` the one before as well (docs/splitting-rules.md).
        let settled = whole.split(text).dropLast(rule == .unicode ? 2 : 1)
        try #require(whole.split(more).starts(with: settled), "\(rule.name)")
      }
    }
  }

  @Test func linesOfAnyBytes() throws {
    let whole = Array(#"{"text":"a\u00e9\ud83d\ude00 \"b\" ünd","n":[1,{"m":-2.5e3}],"source":"s\\"}"#.utf8)
    try Data(whole).write(to: URL(fileURLWithPath: folder.appending("a.jsonl")))
    let input = try InputFile.list([folder.appending("a.jsonl")])[0]
    let parsers = try InvalidTextPolicy.allCases.map { policy in
      var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
      settings.invalidText = policy
      return try DocumentParser(settings)
    }
    try Fuzzer.run { generator in
      let line = generator.damaged(whole)
      let padded = line + [UInt8](repeating: UInt8(ascii: "\""), count: JSONDocumentReader.padding)
      try padded.withUnsafeBufferPointer { bytes in
        let record = InputRecord(
          bytes: UnsafeBufferPointer(rebasing: bytes[..<line.count]), offset: 0, number: 1)
        do {
          try parsers.randomElement(using: &generator)!.parse(record, of: input) { outcome in
            guard case .document(let text, let metadata, _) = outcome else { return }
            try #require(TextValidation.firstInvalidByte(in: text) == nil)
            _ = try DocumentMetadata(decoding: ByteParser(metadata))
          }
        } catch let error as UserError {
          try #require(error.kind == .invalidData)
        }
      }
    }
  }
}

/// Tries random input for some time. `HAT_FUZZ_SECONDS`, `HAT_FUZZ_ROUNDS` (at least so many) and `HAT_FUZZ_SEED` make it longer
/// and different; the rounds of a seed are always the same, only their number depends on the machine.
struct Fuzzer {
  private static func variable(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  static let seconds = variable("HAT_FUZZ_SECONDS") ?? 6
  static let leastRounds = UInt64(variable("HAT_FUZZ_ROUNDS") ?? 100)
  static let seed = UInt64(variable("HAT_FUZZ_SEED") ?? 1)

  /// Calls `body` with a generator for each round; what it throws names the round.
  static func run(_ body: (inout TextGenerator) throws -> Void) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    var round: UInt64 = 0
    while ContinuousClock.now < end || round < leastRounds {
      var generator = TextGenerator(seed: RandomSource.mix(seed) &+ round)
      do {
        try body(&generator)
      } catch {
        throw Failure(description: "HAT_FUZZ_SEED=\(seed), round \(round): \(error)")
      }
      round += 1
    }
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }
}

extension TextGenerator {
  private static let edges: [UInt64] = [
    0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 1 << 20, 1 << 30, 1 << 31, 1 << 32, 1 << 40, 1 << 48, 1 << 62,
    1 << 63, .max - 1, .max,
  ]

  /// A number that breaks things: at an edge, or near `value`.
  mutating func hostileNumber(near value: UInt64) -> UInt64 {
    switch Int.random(in: 0..<3, using: &self) {
    case 0: Self.edges.randomElement(using: &self)!
    case 1: value &+ UInt64(Int.random(in: 0...16, using: &self)) &- 8
    default: next() >> UInt64.random(in: 0..<64, using: &self)
    }
  }

  /// Bytes that were changed, taken out, doubled or cut off somewhere.
  mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
      let start = Int.random(in: 0..<bytes.count, using: &self)
      let range = start..<min(bytes.count, start + Int.random(in: 1...9, using: &self))
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      case 1: bytes[start] = UInt8.random(in: 0...255, using: &self)
      case 2: bytes.removeSubrange(range)
      case 3: bytes.insert(contentsOf: bytes[range], at: start)
      case 4:
        let number = hostileNumber(near: 0)
        for (place, index) in range.enumerated() where place < 8 {
          bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(place)))
        }
      default: bytes.removeLast(bytes.count - start)
      }
    }
    return bytes
  }
}
