import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

@Suite struct PreprocessorTests {
  private let folder = TemporaryFolder()

  private func write(_ text: String, to name: String) throws {
    try write(Array(text.utf8), to: name)
  }

  private func write(_ bytes: [UInt8], to name: String) throws {
    let url = URL(fileURLWithPath: folder.appending(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  private func compressed(_ text: String) -> [UInt8] {
    Array(ZstdCompressor(level: 3).compress(Array(text.utf8)))
  }

  private var settings: PreprocessSettings {
    get throws {
      var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
      settings.holdout = 0
      return settings
    }
  }

  @discardableResult
  private func run(
    _ names: [String], to output: String = "corpus", _ adjust: (inout PreprocessSettings) -> Void = { _ in }
  ) throws -> Corpus {
    var settings = try settings
    adjust(&settings)
    let output = FilePath(folder.appending(output))
    let inputs = try InputFile.list(names.map(folder.appending))
    _ = try Preprocessor(inputs: inputs, settings: settings, output: output).run()
    return try Corpus(opening: output)
  }

  // MARK: Input

  @Test func readsEveryKindOfFile() throws {
    try write("one\n", to: "in/a.txt")
    try write(
      "{\"text\": \"two\\u00e9\", \"source\": \"s\", \"license\": \"l\"}\n\n{\"text\":\"three\"}",
      to: "in/b.jsonl")
    try write(compressed("{\"text\": \"four\"}\n"), to: "in/c/d.jsonl.zst")
    try write(compressed("five") + compressed(" six"), to: "in/c/e.txt.zst")
    try write("left alone", to: "in/README.md")
    let corpus = try run(["in"])
    #expect(try corpus.texts(.train) == ["one\n", "twoé", "three", "four", "five six"])
    let metadata = try (0..<5).map { try corpus.document($0).metadata }
    #expect(metadata.map { $0["source"] } == ["a.txt", "s", "b.jsonl", "c/d.jsonl.zst", "c/e.txt.zst"])
    #expect(metadata[1]["license"] == "l")
    #expect(corpus.manifest.leftOut == LeftOutCounts(empty: 1))
  }

  @Test func dividesTextAtASeparator() throws {
    try write("one--two----three-four--", to: "a.txt")
    let corpus = try run(["a.txt"]) { $0.documentSeparator = "--" }
    #expect(try corpus.texts(.train) == ["one", "two", "three-four"])
  }

  @Test func findsTheFieldOfText() throws {
    try write("{\"a\": {\"b\": \"inner\"}, \"text\": 3}\n", to: "a.jsonl")
    #expect(try run(["a.jsonl"]) { $0.field = "a.b" }.texts(.train) == ["inner"])
  }

  @Test(arguments: [1, 2, 7, 100, 4096]) func delimitersAreFoundAcrossBlocks(block: Int) throws {
    final class Trickle: ByteSource {
      var (bytes, block): ([UInt8], Int)
      var bytesConsumed = 0
      init(_ bytes: [UInt8], _ block: Int) { (self.bytes, self.block) = (bytes, block) }
      func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(block, bytes.count, buffer.count)
        buffer.copyBytes(from: bytes.prefix(count))
        bytes.removeFirst(count)
        return count
      }
    }
    let text = "a|b|||cc||dd|||"
    let reader = RecordReader(Trickle(Array(text.utf8), block), place: "x", delimiter: Array("||".utf8))
    var (records, offsets): ([String], [Int]) = ([], [])
    while let record = try reader.next() {
      records.append(String(decoding: record.bytes, as: UTF8.self))
      offsets.append(record.offset)
    }
    #expect(records == ["a|b", "|cc", "dd", "|"])
    #expect(offsets == [0, 5, 10, 14])
  }

  @Test func recordsMayBeLargerThanABlock() throws {
    var generator = TextGenerator(seed: 40)
    let documents = [3_000_000, 1, 1_048_576, 700_000, 5].map {
      String(decoding: generator.text(scalars: $0 / 2), as: UTF8.self)
    }
    .filter { !$0.isEmpty }
    let builder = try CorpusBuilder(documents)
    #expect(try builder.corpus().texts(.train) == documents)
  }

  // MARK: Bad input

  @Test func badInputIsRefusedWithItsPlace() throws {
    let cases: [(name: String, content: [UInt8], place: String, problem: String)] = [
      ("empty.txt", [], "empty.txt:", "empty"),
      ("empty.jsonl", [], "empty.jsonl:", "empty"),
      ("hollow.txt.zst", compressed(""), "hollow.txt.zst:", "empty"),
      (
        "field.jsonl", Array("{\"text\":\"a\"}\n{\"body\":\"b\"}\n".utf8), "field.jsonl:2:",
        "no field \"text\""
      ),
      ("type.jsonl", Array("{\"text\":[1]}\n".utf8), "type.jsonl:1:", "not a string"),
      ("null.jsonl", Array("{\"text\":null}\n".utf8), "null.jsonl:1:", "not a string"),
      ("array.jsonl", Array("[1]\n".utf8), "array.jsonl:1:", "not a JSON object"),
      ("cut.jsonl", Array("\n{\"text\":\"a\"".utf8), "cut.jsonl:2:", "not valid JSON"),
      ("latin.txt", [0x61, 0xE9, 0x20], "latin.txt:", "not valid UTF-8 (byte 1 "),
      (
        "latin.jsonl", Array("{\"text\":\"a\"}\n{\"text\":\"".utf8) + [0xE9, 0x22, 0x7D], "latin.jsonl:2:",
        "UTF-8"
      ),
      ("damaged.txt.zst", Array("not zstd".utf8), "damaged.txt.zst:", "not valid zstd"),
      (
        "cut.txt.zst", compressed("hello hello hello hello").dropLast(3), "cut.txt.zst:",
        "inside a zstd frame"
      ),
      ("blank.jsonl", Array("\n\n".utf8), "blank.jsonl:", "no document"),
    ]
    for (name, content, place, problem) in cases {
      try write(content, to: name)
      let text = errorText { try run([name], to: "out-\(name)") }
      #expect(text.contains(place) && text.contains(problem), "\(name): \(text)")
      #expect(errorKind { try run([name], to: "out-\(name)") } == .invalidData, "\(name)")
    }
    #expect(errorKind { try run(["missing.txt"]) } == .missingInput)
    try write("x", to: "folder/unknown.pdf")
    #expect(errorKind { try run(["folder/unknown.pdf"]) } == .wrongUsage)
    #expect(errorKind { try run(["folder"]) } == .missingInput)
  }

  @Test func invalidTextIsReplacedOrSkippedOnRequest() throws {
    try write(Array("{\"text\":\"a\"}\n{\"text\":\"b".utf8) + [0xE9] + Array("c\"}\n".utf8), to: "a.jsonl")
    let replaced = try run(["a.jsonl"], to: "replaced") { $0.invalidText = .replace }
    #expect(try replaced.texts(.train) == ["a", "b\u{FFFD}c"])
    #expect(replaced.manifest.leftOut.repaired == 1)
    let skipped = try run(["a.jsonl"], to: "skipped") { $0.invalidText = .skip }
    #expect(try skipped.texts(.train) == ["a"])
    #expect(skipped.manifest.leftOut.invalid == 1)
  }

  @Test func impossibleSettingsAreRefused() throws {
    try write("x", to: "a.txt")
    let changes: [(inout PreprocessSettings) -> Void] = [
      { $0.holdout = 1 }, { $0.holdout = -0.1 }, { $0.holdout = .nan }, { $0.level = 0 }, { $0.level = 20 },
      { $0.shardBytes = 0 }, { $0.field = "" }, { $0.field = "a..b" }, { $0.documentSeparator = "" },
    ]
    for change in changes { #expect(errorKind { try run(["a.txt"], change) } == .wrongUsage) }
  }

  // MARK: Parts

  @Test func holdoutDependsOnContentAlone() throws {
    let documents = (0..<3000).map { "document \($0 % 1500)" }
    let builder = try CorpusBuilder(documents) { $0.holdout = 0.1 }
    let corpus = try builder.corpus()
    let (train, holdout) = (Set(try corpus.texts(.train)), Set(try corpus.texts(.holdout)))
    #expect(train.isDisjoint(with: holdout))
    #expect(train.count + holdout.count == 1500)
    #expect(100...200 ~= holdout.count)
    let reversed = try CorpusBuilder(documents.reversed()) { ($0.holdout, $0.shardBytes) = (0.1, 5000) }
    #expect(Set(try reversed.corpus().texts(.holdout)) == holdout)
  }

  // MARK: Stopping and running again

  private func files(_ folder: FilePath) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try DurableFile.list(folder) {
      files[name] = try Data(contentsOf: URL(fileURLWithPath: folder.appending(name).string))
    }
    return files
  }

  @Test func aFinishedRunIsLeftAlone() throws {
    let builder = try CorpusBuilder(["a b", "c d"])
    #expect(try builder.run().wasFinished == false)
    let before = try files(builder.output)
    #expect(try builder.run().wasFinished)
    #expect(try files(builder.output) == before)
    // Written again with the same content: still the same corpus.
    try builder.write(["a b", "c d"])
    #expect(try builder.run().wasFinished)
    try builder.write(["a b", "c e"])
    #expect(errorText { try builder.run() }.contains("the content of the input"))
    try builder.write(["a b"])
    #expect(errorText { try builder.run() }.contains("input.jsonl had 30 bytes and has 15"))
  }

  @Test func otherSettingsAreRefused() throws {
    try write("x", to: "a.txt")
    try write("y", to: "b.txt")
    try run(["a.txt"])
    #expect(errorText { try run(["a.txt"]) { $0.level = 9 } }.contains("`level` was 3 and is now 9"))
    #expect(errorText { try run(["a.txt", "b.txt"]) }.contains("b.txt is new"))
    #expect(errorText { try run(["b.txt"]) }.contains("a.txt is gone"))
    #expect(errorKind { try run(["a.txt"], to: ".") } == .wrongUsage)
  }

  @Test func aStoppedRunIsContinuedToTheSameEnd() throws {
    let documents = TrainingStreamTests.documents(2000)
    let whole = try CorpusBuilder(documents) { ($0.shardBytes, $0.holdout) = (50_000, 0.05) }
    try whole.run()
    let expected = try files(whole.output).filter { $0.key != WorkFolder.inputsFileName }
    #expect(expected.count > 10)

    for stop in [1, 2, 3, 5, 8] {
      let builder = try CorpusBuilder(documents) { ($0.shardBytes, $0.holdout) = (50_000, 0.05) }
      // Stops inside the input, as often as it takes, by a document that cannot be read.
      let good = try Data(contentsOf: URL(fileURLWithPath: builder.input))
      var bad = good
      bad[good.count * stop / 10] = 0xFF
      try bad.write(to: URL(fileURLWithPath: builder.input))
      let times = try FileManager.default.attributesOfItem(atPath: builder.input)
      #expect(errorKind { try builder.run() } == .invalidData)
      #expect(errorText { _ = try Corpus(opening: builder.output) }.contains("not finished"))
      try good.write(to: URL(fileURLWithPath: builder.input))
      try FileManager.default.setAttributes(
        [.modificationDate: times[.modificationDate]!], ofItemAtPath: builder.input)
      try builder.forgetTimes()
      #expect(try builder.run().wasFinished == false)
      #expect(try files(builder.output).filter { $0.key != WorkFolder.inputsFileName } == expected)
    }
  }

  /// Cut short, and one bit of it another.
  @Test(arguments: [true, false]) func aShardThatIsDamagedBetweenTwoStartsIsFound(isCut: Bool) throws {
    let builder = try CorpusBuilder(TrainingStreamTests.documents(2000)) { $0.shardBytes = 50_000 }
    let good = try Data(contentsOf: URL(fileURLWithPath: builder.input))
    var bad = good
    bad[good.count / 2] = 0xFF
    try bad.write(to: URL(fileURLWithPath: builder.input))
    let times = try FileManager.default.attributesOfItem(atPath: builder.input)
    #expect(errorKind { try builder.run() } == .invalidData)
    let name = try #require(try DurableFile.list(builder.output).first { $0.hasSuffix(".shard") })
    let shard = URL(fileURLWithPath: builder.output.appending(name).string)
    var bytes = try Data(contentsOf: shard)
    if isCut { bytes.removeLast(7) } else { bytes[bytes.count / 2] ^= 1 }
    try bytes.write(to: shard)
    try good.write(to: URL(fileURLWithPath: builder.input))
    try FileManager.default.setAttributes(
      [.modificationDate: times[.modificationDate]!], ofItemAtPath: builder.input)
    try builder.forgetTimes()
    #expect(errorKind { try builder.run() } == .invalidData)
    #expect(errorText { try builder.run() }.contains(name))
  }

  /// As a file system that leaves out names when a folder is listed.
  private struct LosingRecords: WorkSharing {
    let records: FilePath
    let hasStandardInput = true

    func once<Value: Codable>(_ work: () throws -> Value) throws -> Value { try work() }

    func together(_ work: () throws -> Void) throws {
      try work()
      guard DurableFile.isFolder(records) else { return }
      let name = try DurableFile.list(records).last { $0.hasSuffix(".json") }
      if let name { try DurableFile.remove(records.appending(name)) }
    }
  }

  @Test func aCorpusIsNotMadeOfAPartOfItsRecords() throws {
    let builder = try CorpusBuilder(TrainingStreamTests.documents(200)) { $0.shardBytes = 5000 }
    let records = builder.output.appending(WorkFolder.recordsFolderName)
    func preprocessor() throws -> Preprocessor {
      try Preprocessor(
        inputs: InputFile.list([builder.input]), settings: builder.settings, output: builder.output)
    }
    let text = errorText { _ = try preprocessor().run(sharing: LosingRecords(records: records)) }
    #expect(text.contains("records of units of work"), "\(text)")
    #expect(!DurableFile.exists(builder.output.appending(CorpusManifest.fileName)))
    let whole = try CorpusBuilder(TrainingStreamTests.documents(200)) { $0.shardBytes = 5000 }.run()
    #expect(try preprocessor().run().manifest.dataFingerprint == whole.manifest.dataFingerprint)
  }

  // MARK: Reading back

  @Test func missingAndDamagedShardsAreFoundWhenACorpusIsOpened() throws {
    for damage in 0..<4 {
      let builder = try CorpusBuilder(TrainingStreamTests.documents(50))
      let corpus = try builder.corpus()
      let shard = builder.output.appending(corpus.manifest.train.shards[0].name).string
      let manifest = builder.output.appending(CorpusManifest.fileName).string
      switch damage {
      case 0:
        try FileManager.default.removeItem(atPath: shard)
        #expect(errorKind { _ = try Corpus(opening: builder.output) } == .missingInput)
      case 1:
        try FileDamage.truncate(shard, to: 100)
        #expect(errorKind { _ = try Corpus(opening: builder.output) } == .invalidData)
      case 2:
        try FileDamage.truncate(manifest, to: 100)
        #expect(errorKind { _ = try Corpus(opening: builder.output) } == .invalidData)
      default:
        try FileManager.default.removeItem(atPath: manifest)
        #expect(errorKind { _ = try Corpus(opening: builder.output) } == .missingInput)
      }
    }
  }

  @Test func aShardOfAnotherCorpusIsRefused() throws {
    let (one, other) = (try CorpusBuilder(["aaaa"]), try CorpusBuilder(["bbbb"]))
    let name = try one.run().manifest.train.shards[0].name
    try other.run()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: other.output.appending(name).string))
    try bytes.write(to: URL(fileURLWithPath: one.output.appending(name).string))
    #expect(errorKind { _ = try Corpus(opening: one.output).document(0) } == .invalidData)
  }

  @Test func theFingerprintIsOfTheDataNotItsCompression() throws {
    let texts = TrainingStreamTests.documents(100)
    let fingerprints = try [1, 9].map { level in
      try CorpusBuilder(texts) { $0.level = level }.run().manifest.dataFingerprint
    }
    #expect(fingerprints[0] == fingerprints[1])
    #expect(try CorpusBuilder(texts.dropLast()).run().manifest.dataFingerprint != fingerprints[0])
    #expect(try CorpusBuilder(texts, maximumWordBytes: 63).run().manifest.dataFingerprint != fingerprints[0])
  }
}

extension CorpusBuilder {
  /// Makes a run under way believe that its input is as old as it is now.
  func forgetTimes() throws {
    let path = output.appending(WorkFolder.stateFileName)
    var state = try JSONFile.read(Preprocessor.State.self, from: path, hint: "")
    state.inputs = try InputFile.list([input])
    try JSONFile.write(state, to: path)
  }
}
