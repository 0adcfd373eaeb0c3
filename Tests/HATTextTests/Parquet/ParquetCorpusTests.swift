import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Corpora made of Parquet files.
@Suite struct ParquetCorpusTests {
  private let folder = TemporaryFolder()

  private func preprocess(
    _ inputs: [String], into name: String = "corpus", _ adjust: (inout PreprocessSettings) -> Void = { _ in }
  ) throws -> Corpus {
    let output = FilePath(folder.appending(name))
    try Preprocessor(
      inputs: InputFile.list(inputs), settings: ParquetFixture.settings(adjust), output: output
    ).run()
    return try Corpus(opening: output)
  }

  private func shards(_ name: String) throws -> [String: Data] {
    let path = folder.appending(name)
    let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".shard") }
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))) })
  }

  /// The rows with a text as JSON Lines, with the fields in another order.
  private func writeLines(_ rows: [ParquetFixture.Row], to name: String) throws -> String {
    let path = folder.appending(name)
    let lines = try rows.filter { $0.text != nil }.map { row in
      let text = try String(decoding: JSONEncoder().encode(row.text), as: UTF8.self)
      let language = row.language.map { ",\"language\":\"\($0)\"" } ?? ""
      let score = row.score.map { ",\"score\":\($0)" } ?? ""
      return
        "{\"source\":\"\(row.source)\",\"text\":\(text)\(language)\(score),\"kept\":\(row.kept),\"id\":\(row.id)}\n"
    }
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test(arguments: [
    "arrow-wide.parquet", "arrow-byte-v2.parquet", "arrow-many-groups.parquet", "duckdb-zstd-v2.parquet",
  ])
  func shardsAreThoseOfTheSameDocumentsAsLines(name: String) throws {
    let lines = try writeLines(ParquetFixture.rows, to: "rows.jsonl")
    for keep in [[], ["id", "kept", "score"]] {
      func adjust(_ settings: inout PreprocessSettings) {
        (settings.keep, settings.holdout) = (keep, 0.3)
      }
      let number = keep.count
      let fromLines = try preprocess([lines], into: "lines-\(number)", adjust)
      let fromParquet = try preprocess([ParquetFixture.path(name)], into: "parquet-\(number)", adjust)
      #expect(try shards("parquet-\(number)").count == 2)
      #expect(try shards("parquet-\(number)") == shards("lines-\(number)"))
      #expect(fromParquet.manifest.dataFingerprint == fromLines.manifest.dataFingerprint)
      #expect(fromLines.manifest.leftOut == LeftOutCounts(empty: 3))
      #expect(fromParquet.manifest.leftOut == LeftOutCounts(empty: 3, null: 6))
    }
  }

  @Test func keptColumnsAreInTheMetadata() throws {
    let corpus = try preprocess([ParquetFixture.path("arrow-wide.parquet")]) {
      $0.keep = ["score", "id", "kept"]
    }
    var metadata: [DocumentMetadata] = []
    try corpus.forEachDocument(of: .train) { metadata.append($0.metadata) }
    let rows = ParquetFixture.rows.filter { $0.text?.isEmpty == false }
    #expect(metadata.count == rows.count)
    for (metadata, row) in zip(metadata, rows) {
      var expected = ["id": "\(row.id)", "kept": "\(row.kept)", "source": row.source]
      expected["language"] = row.language
      expected["score"] = row.score.map { "\($0)" }
      #expect(metadata == DocumentMetadata(expected))
    }
  }

  /// A large file is cut into units; a file that was touched, and one that was changed, are told apart.
  @Test func unitsDependOnTheFileAlone() throws {
    let path = folder.appending("copy.parquet")
    try FileManager.default.copyItem(atPath: ParquetFixture.path("arrow-many-groups.parquet"), toPath: path)
    let corpus = try preprocess([path]) { $0.shardBytes = 1 << 10 }
    #expect(try shards("corpus").count >= 3)
    #expect(try corpus.texts(.train) == ParquetFixture.rows.compactMap(\.text).filter { !$0.isEmpty })
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 9)], ofItemAtPath: path)
    let again = try preprocess([path]) { $0.shardBytes = 1 << 10 }
    #expect(again.manifest == corpus.manifest)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let place = try #require(bytes.range(of: Data("long ".utf8)))
    bytes[place.lowerBound] ^= 0x20
    try bytes.write(to: URL(fileURLWithPath: path))
    let text = errorText { _ = try preprocess([path]) { $0.shardBytes = 1 << 10 } }
    #expect(text.contains("the content of the input"), "\(text)")
  }

  @Test func filesOfAllKindsAreInOneFolder() throws {
    let input = folder.appending("input")
    try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
    for name in ["arrow-zstd-v1-plain.parquet", "duckdb-gzip-v2.parquet", "nothing.parquet"] {
      try FileManager.default.copyItem(atPath: ParquetFixture.path(name), toPath: "\(input)/\(name)")
    }
    try Data("one text".utf8).write(to: URL(fileURLWithPath: "\(input)/b.txt"))
    let corpus = try preprocess([input]) { $0.deduplicate = .exact }
    var texts: [String] = []
    for text in ParquetFixture.rows.compactMap(\.text) where !text.isEmpty && !texts.contains(text) {
      texts.append(text)
    }
    #expect(try corpus.texts(.train) == texts + ["one text"])
    #expect(corpus.manifest.leftOut == LeftOutCounts(empty: 6, duplicate: texts.count + 4, null: 12))
  }

  @Test func aFileWithoutRowsHasNoDocument() throws {
    let text = errorText { _ = try preprocess([ParquetFixture.path("nothing.parquet")]) }
    #expect(text.contains("there is no document in the input"), "\(text)")
  }

  @Test func textAndMetadataThatAreNotUTF8() throws {
    let path = ParquetFixture.path("latin.parquet")
    let refused = errorText { _ = try preprocess([path], into: "refused") }
    #expect(
      refused.contains("latin.parquet, row 2: it is not valid UTF-8 (byte 3 of the text)"), "\(refused)")
    let replaced = try preprocess([path], into: "replaced") { $0.invalidText = .replace }
    #expect(try replaced.texts(.train) == ["good", "caf\u{FFFD}", "fine"])
    #expect(replaced.manifest.leftOut == LeftOutCounts(repaired: 2))
    var sources: [String?] = []
    try replaced.forEachDocument(of: .train) { sources.append($0.metadata["source"]) }
    #expect(sources == ["s", "s", "\u{FFFD}"])
    let skipped = try preprocess([path], into: "skipped") { $0.invalidText = .skip }
    #expect(try skipped.texts(.train) == ["good"])
    #expect(skipped.manifest.leftOut == LeftOutCounts(invalid: 2))
  }
}
