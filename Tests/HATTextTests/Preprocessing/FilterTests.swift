import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Documents that are left out by their length and their metadata.
@Suite struct FilterTests {
  private let folder = TemporaryFolder()

  private func write(_ lines: [String], to name: String = "input.jsonl") throws -> String {
    let path = folder.appending(name)
    try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @discardableResult
  private func preprocess(
    _ inputs: [String], into name: String = "corpus", _ adjust: (inout PreprocessSettings) -> Void
  ) throws -> Corpus {
    let output = FilePath(folder.appending(name))
    try Preprocessor(
      inputs: InputFile.list(inputs), settings: ParquetFixture.settings(adjust), output: output
    ).run()
    return try Corpus(opening: output)
  }

  private func patterns(_ texts: String...) -> [MetadataPattern] {
    texts.map { try! MetadataPattern(parsing: $0) }
  }

  private func shards(_ name: String) throws -> [String: Data] {
    let path = folder.appending(name)
    let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".shard") }
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))) })
  }

  /// The limits are among what is kept, and bytes are counted, not characters.
  @Test func lengths() throws {
    let texts = ["a", "ab", "abc", "é", "éa", "abcde", "abcdef", "ééé"]
    let builder = try CorpusBuilder(texts) {
      ($0.filters.minimumBytes, $0.filters.maximumBytes) = (3, 5)
    }
    let corpus = try builder.corpus()
    #expect(try corpus.texts(.train) == ["abc", "éa", "abcde"])
    #expect(corpus.manifest.leftOut == LeftOutCounts(tooShort: 3, tooLong: 2))
  }

  @Test func languageScores() throws {
    let path = try write([
      #"{"text":"at","language_score":0.65}"#, #"{"text":"above","language_score":"0.7"}"#,
      #"{"text":"below","language_score":0.6499}"#, #"{"text":"NaN","language_score":"nan"}"#,
      #"{"text":"null","language_score":null}"#, #"{"text":"none"}"#,
      #"{"text":"","language_score":0.1}"#,
    ])
    let corpus = try preprocess([path]) { $0.filters.minimumLanguageScore = 0.65 }
    #expect(try corpus.texts(.train) == ["at", "above"])
    #expect(corpus.manifest.leftOut == LeftOutCounts(empty: 1, withoutMetadata: 2, lowLanguageScore: 2))
    // What a filter looks at is kept only where `keep` asks for it.
    try corpus.forEachDocument(of: .train) { #expect($0.metadata["language_score"] == nil) }
    let keeping = try preprocess([path], into: "keeping") {
      ($0.filters.minimumLanguageScore, $0.keep) = (0.65, ["language_score"])
    }
    var scores: [String?] = []
    try keeping.forEachDocument(of: .train) { scores.append($0.metadata["language_score"]) }
    #expect(scores == ["0.65", "0.7"])

    let damaged = try write(
      [#"{"text":"a"}"#, #"{"text":"b","language_score":"high"}"#], to: "damaged.jsonl")
    let text = errorText {
      try preprocess([damaged], into: "damaged") { $0.filters.minimumLanguageScore = 0.5 }
    }
    #expect(text.contains(#"damaged.jsonl:2: its "language_score" is not a number: "high""#), "\(text)")
  }

  @Test func expressionsMatchWholeValues() throws {
    let path = try write([
      #"{"text":"1","language":"en","id":7}"#, #"{"text":"2","language":"en-GB","id":7}"#,
      #"{"text":"3","language":"de","id":70}"#, #"{"text":"4","language":"de","id":8}"#,
      #"{"text":"5","id":7}"#, #"{"text":"6","language":"xen","id":7}"#,
      #"{"text":"7","language":"en","id":7,"source":"web"}"#,
    ])
    func texts(_ expressions: [MetadataPattern], _ leftOut: LeftOutCounts) throws -> [String] {
      let name = expressions.map(\.expression.count).description
      let corpus = try preprocess([path], into: name) { $0.filters.patterns = expressions }
      #expect(corpus.manifest.leftOut == leftOut, "\(expressions)")
      return try corpus.texts(.train)
    }
    #expect(
      try texts(patterns("language=en|de"), LeftOutCounts(withoutMetadata: 1, unmatched: 2))
        == ["1", "3", "4", "7"])
    #expect(
      try texts(patterns("language=en.*", "id=7"), LeftOutCounts(withoutMetadata: 1, unmatched: 3))
        == ["1", "2", "7"])
    // Where a document has no source its file is one.
    #expect(try texts(patterns(#"source=input\.jsonl"#), LeftOutCounts(unmatched: 1)).count == 6)
  }

  /// `é` is one scalar or two, and `.` is one; to Swift the strings are equal. What came first must not matter.
  @Test func equalStringsOfOtherScalarsAreTwoValues() throws {
    let lines = [#"{"text":"one","source":"caf\u00e9"}"#, #"{"text":"two","source":"cafe\u0301"}"#]
    for (name, order) in [("forwards", lines), ("backwards", Array(lines.reversed()))] {
      let path = try write(order, to: "\(name).jsonl")
      let corpus = try preprocess([path], into: name) { $0.filters.patterns = patterns("source=caf.") }
      #expect(try corpus.texts(.train) == ["one"])
    }
  }

  @Test func textFilesHaveASource() throws {
    for name in ["a.txt", "b.txt"] {
      try Data(name.utf8).write(to: URL(fileURLWithPath: folder.appending(name)))
    }
    let inputs = ["a.txt", "b.txt"].map(folder.appending)
    let corpus = try preprocess(inputs) { $0.filters.patterns = patterns("source=a.*") }
    #expect(try corpus.texts(.train) == ["a.txt"])
  }

  /// The same documents as rows and as lines.
  @Test func parquet() throws {
    let rows = ParquetFixture.rows.filter { $0.text != nil }
    let lines = try write(
      rows.map { row in
        let text = try String(decoding: JSONEncoder().encode(row.text), as: UTF8.self)
        let language = row.language.map { ",\"language\":\"\($0)\"" } ?? ""
        return
          "{\"text\":\(text),\"source\":\"\(row.source)\",\"kept\":\(row.kept),\"id\":\(row.id)\(language)}"
      })
    for (name, path) in [("rows", ParquetFixture.path("arrow-wide.parquet")), ("lines", lines)] {
      let corpus = try preprocess([path], into: name) {
        $0.filters.patterns = patterns("kept=true", "id=.*[0-4]")
        $0.filters.minimumBytes = 2
      }
      let expected = rows.filter { $0.kept && $0.id % 10 < 5 && $0.text!.utf8.count >= 2 }.map(\.text)
      #expect(!expected.isEmpty && expected.count < rows.count / 2)
      #expect(try corpus.texts(.train) == expected)
      #expect(corpus.manifest.leftOut.unmatched > 0)
    }
    #expect(try shards("rows") == shards("lines"))
    let text = errorText {
      try preprocess([ParquetFixture.path("arrow-wide.parquet")], into: "missing") {
        $0.filters.minimumLanguageScore = 0.5
      }
    }
    #expect(text.contains("there is no column \"language_score\" to filter by"), "\(text)")
  }

  /// Of equal documents the first that the filters let through.
  @Test func filtersComeBeforeDuplicates() throws {
    let path = try write([
      #"{"text":"same","language":"de"}"#, #"{"text":"same","language":"en"}"#,
      #"{"text":"same","language":"en"}"#,
    ])
    let corpus = try preprocess([path]) {
      ($0.deduplicate, $0.filters.patterns) = (.exact, patterns("language=en"))
    }
    #expect(try corpus.texts(.train) == ["same"])
    #expect(corpus.manifest.leftOut == LeftOutCounts(duplicate: 1, unmatched: 1))
  }

  @Test func aCorpusSaysHowItWasFiltered() throws {
    let path = try write([#"{"text":"some text","language":"en"}"#])
    func filter(_ settings: inout PreprocessSettings) {
      settings.filters.minimumBytes = 2
      settings.filters.patterns = patterns("language=e.")
    }
    let corpus = try preprocess([path], filter)
    #expect(corpus.manifest.settings.filters.minimumBytes == 2)
    #expect(corpus.manifest.settings.filters.patterns == patterns("language=e."))
    #expect(try preprocess([path], filter).manifest == corpus.manifest)
    let text = errorText {
      try preprocess([path]) {
        filter(&$0)
        $0.filters.minimumBytes = 3
        $0.filters.patterns = []
      }
    }
    #expect(
      text.contains("`minimumBytes` was 2 and is now 3; `where` was language=e. and is now none"), "\(text)")
    try preprocess([path], into: "plain") { _ in }
    #expect(
      try !String(contentsOfFile: folder.appending("plain/corpus.json"), encoding: .utf8).contains("filters"))
  }

  @Test func whereNothingIsLeftTheErrorSaysWhy() throws {
    let path = try write([#"{"text":"some text"}"#, #"{"text":"a"}"#])
    let text = errorText {
      try preprocess([path]) {
        ($0.filters.minimumBytes, $0.filters.minimumLanguageScore) = (2, 0.5)
      }
    }
    #expect(text.contains("1 are too short") && text.contains("1 lack a field"), "\(text)")
  }

  @Test func impossibleFiltersAreRefused() throws {
    let path = try write([#"{"text":"some text"}"#])
    let impossible: [(inout DocumentFilters) -> Void] = [
      { $0.minimumBytes = 0 }, { $0.maximumBytes = .max }, { ($0.minimumBytes, $0.maximumBytes) = (5, 4) },
      { $0.minimumLanguageScore = .nan },
      { $0.patterns = [MetadataPattern(field: "", expression: ".")] },
      { $0.patterns = [MetadataPattern(field: "language", expression: "(en")] },
    ]
    for change in impossible {
      #expect(errorKind { try preprocess([path]) { change(&$0.filters) } } == .wrongUsage)
    }
    for text in ["language", "=en", ""] {
      #expect(errorKind { _ = try MetadataPattern(parsing: text) } == .wrongUsage)
    }
    #expect(try MetadataPattern(parsing: "a=b=c") == MetadataPattern(field: "a", expression: "b=c"))
  }
}
