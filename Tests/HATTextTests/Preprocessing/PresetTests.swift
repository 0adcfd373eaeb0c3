import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Presets, on the files that `scripts/make-preset-fixtures` makes with the columns of known corpora.
@Suite struct PresetTests {
  private let folder = TemporaryFolder()

  private static let inputs = Bundle.module.url(
    forResource: "Resources/presets/dolma.json.gz", withExtension: nil)!.deletingLastPathComponent()
    .path

  private static let files: [CorpusPreset: String] = [
    .dclm: "dclm.jsonl.zst", .fineweb: "fineweb.parquet", .fineweb2: "fineweb-2.parquet",
    .stack: "stack.parquet", .dolma: "dolma.json.gz", .wikipedia: "wikipedia.parquet",
  ]

  private func preprocess(
    _ preset: CorpusPreset, field: String? = nil, keep: [String]? = nil,
    languageScore: Double? = nil
  ) throws -> Corpus {
    let output = FilePath(folder.appending("corpus"))
    let settings = try ParquetFixture.settings {
      $0.filters.minimumLanguageScore = languageScore
      try! preset.apply(to: &$0, field: field, keep: keep)
    }
    let input = "\(Self.inputs)/\(Self.files[preset]!)"
    try Preprocessor(inputs: InputFile.list([input]), settings: settings, output: output).run()
    return try Corpus(opening: output)
  }

  private func text(_ number: Int) -> String {
    "Document \(number) is about \(String(repeating: "rivers and ", count: number % 4))the sea."
  }

  @Test(arguments: CorpusPreset.allCases) func theTextAndWhatIsWorthKeeping(preset: CorpusPreset)
    throws
  {
    let corpus = try preprocess(preset)
    #expect(try corpus.texts(.train) == (0..<12).map(text))
    let third: [String: String] =
      switch preset {
      case .dclm: ["url": "https://example.org/2", "source": "dclm.jsonl.zst"]
      case .fineweb:
        [
          "id": "<urn:uuid:0002>", "url": "https://example.org/2", "dump": "CC-MAIN-2024-10",
          "language": "en", "language_score": "0.5", "source": "fineweb.parquet",
        ]
      case .fineweb2:
        [
          "id": "<urn:uuid:0002>", "url": "https://example.org/2", "dump": "CC-MAIN-2024-10",
          "language": "deu", "language_score": "0.5", "language_script": "Latn",
          "minhash_cluster_size": "3", "source": "fineweb-2.parquet",
        ]
      case .stack:
        [
          "lang": "Python", "max_stars_repo_name": "someone/something",
          "max_stars_repo_path": "src/2.py",
          "source": "stack.parquet",
        ]
      case .dolma: ["id": "d2", "source": "wikipedia"]
      case .wikipedia:
        [
          "id": "2", "url": "https://en.wikipedia.org/wiki/2", "title": "Title 2",
          "source": "wikipedia.parquet",
        ]
      }
    var metadata: [DocumentMetadata] = []
    try corpus.forEachDocument(of: .train) { metadata.append($0.metadata) }
    #expect(metadata[2] == DocumentMetadata(third))
  }

  @Test(arguments: CorpusPreset.allCases) func languageScores(preset: CorpusPreset) throws {
    if preset.hasLanguageScore {
      let corpus = try preprocess(preset, languageScore: 0.65)
      #expect(try corpus.texts(.train) == (0..<12).filter { $0 % 3 < 2 }.map(text))
      #expect(corpus.manifest.leftOut == LeftOutCounts(lowLanguageScore: 4))
    } else {
      var settings = try ParquetFixture.settings { $0.filters.minimumLanguageScore = 0.5 }
      let text = errorText { try preset.apply(to: &settings, field: nil, keep: nil) }
      #expect(
        text.contains("the documents of \(preset.rawValue) have no language score"), "\(text)")
    }
  }

  @Test func whatIsGivenBesideAPresetWins() throws {
    let corpus = try preprocess(.wikipedia, field: "title", keep: ["text"])
    #expect(try corpus.texts(.train).first == "Title 0")
    try corpus.forEachDocument(of: .train) {
      #expect($0.metadata.entries.map(\.name) == ["source", "text"])
    }
  }
}
