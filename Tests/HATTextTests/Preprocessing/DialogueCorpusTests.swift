import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Corpora of dialogues and preferences: what they are made of and with, their parts, and continuing.
@Suite("Corpora of dialogues") struct DialogueCorpusTests {
  private static let answer = #"{"role": "assistant", "content": "a"}"#

  private func files(_ folder: FilePath) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try DurableFile.list(folder) where name != WorkFolder.inputsFileName {
      files[name] = try Data(contentsOf: URL(fileURLWithPath: folder.appending(name).string))
    }
    return files
  }

  /// Values measured before there were dialogues.
  @Test("A corpus of text has the bytes that it always had")
  func textIsUnchanged() throws {
    let builder = try CorpusBuilder(["one two", "größer\u{3000}語 😀\n", "three"]) { $0.holdout = 0.3 }
    let manifest = try builder.run().manifest
    #expect(manifest.dataFingerprint.hexadecimal == "8ff5671d7c21fb86")
    let text = try String(
      contentsOfFile: builder.output.appending(CorpusManifest.fileName).string, encoding: .utf8)
    #expect(text.contains("\"version\" : 2"))
    for name in ["\"documents\" : \"", "without_answer", "without_preference", "longest_pair"] {
      #expect(!text.contains(name), "\(name)")
    }
    let shard = try Data(
      contentsOf: URL(fileURLWithPath: builder.output.appending(manifest.train.shards[0].name).string))
    #expect(Array(shard[8..<12]) == [2, 0, 0, 0])
  }

  @Test("Settings that make no sense, and other files, are refused")
  func refusals() throws {
    let line = #"{"messages": [\#(Self.answer)]}"#
    for (adjust, problem) in [
      ({ $0.field = "messages" }, "`field`: of dialogues the fields have fixed names"),
      ({ $0.documentSeparator = "--" }, "`documentSeparator`: of dialogues"),
      ({ $0.deduplicate = .near }, "`deduplicate`: of dialogues"),
    ] as [((inout PreprocessSettings) -> Void, String)] {
      let builder = try CorpusBuilder(lines: [line], .dialogues, adjust: adjust)
      #expect(errorKind { try builder.run() } == .wrongUsage)
      #expect(errorText { try builder.run() }.contains(problem), "\(errorText { try builder.run() })")
    }
    let builder = try CorpusBuilder(lines: [line], .preferences)
    for name in ["a.txt", "b.parquet", "c.txt.gz"] {
      let path = builder.folder.appending(name)
      try Data("x".utf8).write(to: URL(fileURLWithPath: path))
      let run = {
        _ = try Preprocessor(
          inputs: InputFile.list([builder.input, path]), settings: builder.settings, output: builder.output
        ).run()
      }
      #expect(errorKind(run) == .wrongUsage)
      #expect(errorText(run).contains("\(name): preferences are read from JSON Lines alone"))
    }
    var settings = builder.settings
    #expect(
      errorText { try CorpusPreset.dolma.apply(to: &settings, field: nil, keep: nil) }.contains(
        "not of preferences"))
  }

  @Test("A corpus is not continued as one of another kind")
  func otherKind() throws {
    let builder = try CorpusBuilder(lines: [#"{"text": "t", "messages": [\#(Self.answer)]}"#], .dialogues)
    try builder.run()
    #expect(try builder.run().wasFinished)
    var settings = builder.settings
    settings.documents = .text
    #expect(
      errorText {
        _ = try Preprocessor(
          inputs: InputFile.list([builder.input]), settings: settings, output: builder.output
        ).run()
      }.contains("`documents` was dialogues and is now text"))
  }

  @Test("Metadata are kept and filters look at them and at the size")
  func metadata() throws {
    let lines = ["en", "de", "en"].enumerated().map { index, language in
      #"{"messages": [\#(Self.answer.replacing("\"a\"", with: "\"\(String(repeating: "a", count: index))\""))], "language": "\#(language)", "id": \#(index)}"#
    }
    let builder = try CorpusBuilder(lines: lines, .dialogues) {
      $0.keep = ["id"]
      $0.filters.patterns = [MetadataPattern(field: "language", expression: "en")]
      $0.filters.minimumBytes = 3
    }
    let corpus = try builder.corpus()
    let documents = try corpus.documents()
    #expect(documents.map(\.shown) == ["[assistant]|*aa|*[turn end]"])
    #expect(
      documents[0].metadata == DocumentMetadata(["id": "2", "language": "en", "source": "input.jsonl"]))
    #expect(corpus.manifest.leftOut == LeftOutCounts(tooShort: 1, unmatched: 1))
  }

  @Test("Of equal dialogues the first is kept", arguments: [DocumentKind.dialogues, .preferences])
  func duplicates(kind: DocumentKind) throws {
    var generator = TextGenerator(seed: 77)
    let lines = kind == .dialogues ? generator.dialogueLines(300) : generator.preferenceLines(300)
    let plain = try CorpusBuilder(lines: lines, kind)
    let whole = try plain.corpus().documents()
    let builder = try CorpusBuilder(lines: lines + lines.reversed(), kind) {
      ($0.deduplicate, $0.shardBytes) = (.exact, 20_000)
    }
    let documents = try builder.corpus().documents()
    var seen = Set<[UInt8]>()
    let firsts = whole.filter { seen.insert($0.text).inserted }
    #expect(documents.map(\.text) == firsts.map(\.text) && firsts.count > 200)
  }

  @Test("All answers to a question are on the same side")
  func holdout() throws {
    func lines(_ system: String, _ answer: String) -> [String] {
      (0..<1000).map {
        #"{"messages": [{"role": "system", "content": "\#(system)"}, {"role": "user", "content": "question \#($0)"}, {"role": "assistant", "content": "\#(answer) \#($0)"}]}"#
      }
    }
    func questions(_ lines: [String], _ kind: DocumentKind, _ part: CorpusPart) throws -> Set<String> {
      let builder = try CorpusBuilder(lines: lines, kind) { $0.holdout = 0.1 }
      return Set(
        try builder.corpus().documents(part).map { document in
          let words = document.words.map { String(decoding: $0, as: UTF8.self) }
          return words[try #require(words.firstIndex(of: "question ")) + 1]
        })
    }
    let held = try questions(lines("x", "yes"), .dialogues, .holdout)
    #expect(60...140 ~= held.count)
    #expect(try questions(lines("y", "no"), .dialogues, .holdout) == held)
    let pairs = (0..<1000).map { #"{"prompt": "question \#($0)", "chosen": "a", "rejected": "b"}"# }
    #expect(try questions(pairs, .preferences, .holdout) == held)
    // Without a question all of the dialogue decides.
    let builder = try CorpusBuilder(
      lines: (0..<1000).map { #"{"messages": [{"role": "assistant", "content": "answer \#($0)"}]}"# },
      .dialogues
    ) { $0.holdout = 0.1 }
    #expect(60...140 ~= (try builder.corpus().counts(.holdout).documents))
  }

  @Test("The unit of work does not change the corpus", arguments: [DocumentKind.dialogues, .preferences])
  func units(kind: DocumentKind) throws {
    var generator = TextGenerator(seed: 78)
    let lines = kind == .dialogues ? generator.dialogueLines(500) : generator.preferenceLines(500)
    let (whole, cut) = (
      try CorpusBuilder(lines: lines, kind), try CorpusBuilder(lines: lines, kind) { $0.shardBytes = 5000 }
    )
    let (one, many) = (try whole.corpus(), try cut.corpus())
    #expect(many.manifest.train.shards.count > 10 && one.manifest.train.shards.count == 1)
    #expect(try one.documents() == many.documents())
    #expect(one.manifest.longestPair == many.manifest.longestPair)
    #expect((one.manifest.longestPair != nil) == (kind == .preferences))
    #expect(one.manifest.train.counts == many.manifest.train.counts)
  }

  @Test("A stopped run is continued to the same end")
  func continuing() throws {
    var generator = TextGenerator(seed: 79)
    let lines = generator.preferenceLines(600)
    let whole = try CorpusBuilder(lines: lines, .preferences) { $0.shardBytes = 10_000 }
    try whole.run()
    let expected = try files(whole.output)
    let builder = try CorpusBuilder(lines: lines, .preferences) { $0.shardBytes = 10_000 }
    let good = try Data(contentsOf: URL(fileURLWithPath: builder.input))
    var bad = good
    bad[good.count / 2] = 0xFF
    try builder.write(bytes: [UInt8](bad))
    #expect(errorKind { try builder.run() } == .invalidData)
    try builder.write(bytes: [UInt8](good))
    try builder.forgetTimes()
    #expect(try builder.run().wasFinished == false)
    #expect(try files(builder.output) == expected)
  }

  @Test("Statistics tell marks from words, and what counts")
  func statistics() throws {
    let builder = try CorpusBuilder(
      lines: [
        #"{"messages": [{"role": "user", "content": "who is it"}, {"role": "assistant", "content": "it is"}]}"#,
        #"{"messages": [{"role": "assistant", "content": "it"}]}"#,
      ], .dialogues)
    var statistics = CorpusStatistics()
    for document in try builder.corpus().documents() { statistics.add(document) }
    #expect(statistics.counts == TextCounts(documents: 2, words: 12, bytes: 22))
    #expect(statistics.mostFrequentWords(9).count == 5)
    #expect(statistics.mostFrequentWords(1).map(\.word) == ["it"])
    #expect(statistics.wordLengths.reduce(0, +) == 6)
    let dialogues = try #require(statistics.dialogues)
    #expect(dialogues.marks.map(\.name) == ["[user]", "[assistant]", "[turn end]"])
    #expect(dialogues.marks.map(\.count) == [1, 2, 3])
    #expect((dialogues.textBytes, dialogues.countedWords, dialogues.countedBytes) == (16, 3, 7))
  }
}
