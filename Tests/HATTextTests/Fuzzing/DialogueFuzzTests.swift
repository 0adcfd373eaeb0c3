import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Random damage to shards of dialogues and preferences, and to their lines.
@Suite struct DialogueFuzzTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.appending("a.shard") }

  /// Reads a shard to its end where that is possible, and checks what comes of it.
  private func read() throws {
    do {
      let shard = try ShardReader(opening: FilePath(path))
      var counts = TextCounts()
      try shard.forEachDocument { document in
        try #require(document.kind == shard.kind)
        try Self.require(document, limit: shard.splitter.maximumWordBytes)
        counts += TextCounts(documents: 1, words: document.wordLengths.count, bytes: document.text.count)
      }
      try #require(counts == shard.counts)
    } catch let error as UserError {
      try #require(error.kind == .invalidData)
    }
  }

  /// What is accepted is what the format promises, and can be packed.
  private static func require(_ document: ShardDocument, limit: Int) throws {
    try #require(document.wordLengths.allSatisfy { 1...limit ~= $0 })
    try #require(document.wordLengths.reduce(0, +) == document.text.count)
    for run in document.text.split(whereSeparator: SpecialByte.isMark) {
      try #require(TextValidation.firstInvalidByte(in: Array(run)) == nil)
    }
    let splitter = try WordSplitter(.whitespace, maximumWordBytes: limit)
    let stream = try EvaluationStream(
      document: document, splitter: splitter, sequenceWords: document.wordLengths.count + 1,
      sequenceBytes: max(limit, document.text.count + 1))
    let batch = try #require(try stream.nextSequence())
    try #require(batch.pieceCount == (document.kind == .preferences ? 2 : 1))
    for piece in 0..<batch.pieceCount where document.kind != .text {
      try #require(batch.wordRange(ofPiece: piece).dropFirst().contains { batch.counts($0) })
    }
    try #require(try stream.nextSequence() == nil)
  }

  private func kind(_ generator: inout TextGenerator) -> DocumentKind {
    Bool.random(using: &generator) ? .dialogues : .preferences
  }

  @Test func shardsOfAnyBytes() throws {
    try Fuzzer.run { generator in
      let kind = kind(&generator)
      let whole = try ShardForge(kind, generator.markedTexts(kind)).bytes
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
      let kind = kind(&generator)
      var forge = try ShardForge(kind, generator.markedTexts(kind))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: forge.version = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 3))
      case 1: forge.wordLimit = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 64))
      case 2: forge.ruleLength = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 13))
      case 3: forge.kind = UInt32(truncatingIfNeeded: generator.hostileNumber(near: 1))
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
      let kind = kind(&generator)
      var forge = try ShardForge(kind, generator.markedTexts(kind))
      let number = Int.random(in: 0..<forge.frames.count, using: &generator)
      let declared = forge.frames[number].declared.map { Int($0) }
      var raw = try forge.raw(number)
      if Bool.random(using: &generator) {
        raw = generator.damaged(raw)
      } else {
        // A mark in the place of another byte, or a number in that of a range, and the checksums of the texts right again.
        let place = Int.random(in: 4..<raw.count, using: &generator)
        raw[place] = [0xF5, 0xF6, 0xF7, 0xF8, 0xFE, 0, 1].randomElement(using: &generator)!
      }
      Self.repairChecksums(of: &raw)
      forge.frames[number] = ShardForge.Frame(
        raw: raw, documents: declared[1], words: declared[2], textBytes: declared[3])
      try forge.write(to: path)
      try read()
    }
  }

  /// So that what is wrong is found by looking at it.
  private static func repairChecksums(of raw: inout [UInt8]) {
    func number(_ offset: Int) -> Int {
      offset + 4 <= raw.count ? (0..<4).reduce(0) { $0 | Int(raw[offset + $1]) << (8 * $1) } : .max
    }
    let count = number(0)
    guard count <= raw.count / 24 else { return }
    var text = 4 + 24 * count
    for document in 0..<count {
      let entry = 4 + 24 * document
      let length = number(entry)
      guard length <= raw.count - min(text, raw.count), entry + 24 <= raw.count else { return }
      let checksum = Checksum(of: Array(raw[text..<text + length])).value
      withUnsafeBytes(of: checksum.littleEndian) { raw.replaceSubrange(entry + 12..<entry + 20, with: $0) }
      text += length
    }
  }

  @Test func linesOfAnyBytes() throws {
    let lines: [DocumentKind: [UInt8]] = [
      .dialogues: Array(
        #"{"messages":[{"role":"user","content":[{"type":"text","text":"q\u00e9"}]},{"role":"assistant","content":"ü 😀","weight":1},{"role":"system","content":"\n"}],"n":[1,{"m":-2.5e3}]}"#
          .utf8),
      .preferences: Array(
        #"{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"\ud83d\ude00"}],"rejected":"no","source":"s"}"#
          .utf8),
    ]
    try Data(lines[.dialogues]!).write(to: URL(fileURLWithPath: folder.appending("a.jsonl")))
    let input = try InputFile.list([folder.appending("a.jsonl")])[0]
    let splitter = try WordSplitter(.whitespace)
    let parsers = try lines.keys.sorted { $0.rawValue < $1.rawValue }.flatMap { kind in
      try InvalidTextPolicy.allCases.map { policy in
        var settings = PreprocessSettings(splitter: splitter)
        (settings.documents, settings.invalidText) = (kind, policy)
        return (kind, try DocumentParser(settings))
      }
    }
    try Fuzzer.run { generator in
      let (kind, parser) = parsers.randomElement(using: &generator)!
      let line = generator.damaged(lines[kind]!)
      let padded = line + [UInt8](repeating: UInt8(ascii: "\""), count: JSONDocumentReader.padding)
      try padded.withUnsafeBufferPointer { bytes in
        let record = InputRecord(
          bytes: UnsafeBufferPointer(rebasing: bytes[..<line.count]), offset: 0, number: 1)
        do {
          try parser.parse(record, of: input) { outcome in
            guard case .dialogue(let text, let metadata, _) = outcome else { return }
            try Self.require(
              ShardDocument(
                text: text.bytes, wordLengths: text.wordLengths.map { Int($0) },
                metadata: try DocumentMetadata(decoding: ByteParser(metadata)),
                checksum: Checksum(of: text.bytes), kind: kind, counted: text.counted), limit: 64)
          }
        } catch let error as UserError {
          try #require(error.kind == .invalidData)
        }
      }
    }
  }
}
