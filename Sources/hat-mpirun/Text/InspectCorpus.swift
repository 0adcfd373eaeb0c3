import ArgumentParser
import HATText
import SystemPackage

struct InspectCorpus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corpus",
    abstract: "Report what a corpus holds, checking every checksum on the way.",
    discussion: "Reads the whole corpus; --quick reads its manifest alone.")

  @Argument(help: "The folder preprocess made.")
  var directory: String

  @Flag(help: "Only what the manifest says.")
  var quick = false

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  func run() throws {
    let corpus = try Corpus(opening: FilePath(directory))
    let statistics = try quick ? nil : read(corpus)
    if json {
      try JSONOutput.print(Report(corpus, statistics))
    } else {
      CorpusTable.show(corpus.manifest)
      statistics.map(show)
    }
  }

  private func read(_ corpus: Corpus) throws -> CorpusStatistics {
    let line = ProgressLine("inspect", unit: .bytes)
    defer { line.clear() }
    let total = CorpusPart.allCases.reduce(0) { $0 + corpus.counts($1).bytes }
    var statistics = CorpusStatistics()
    for part in CorpusPart.allCases {
      try corpus.forEachDocument(of: part) { document in
        statistics.add(document)
        line.update(statistics.counts.bytes, of: total)
      }
    }
    return statistics
  }

  private func show(_ statistics: CorpusStatistics) {
    print("\nbytes in a word")
    let most = statistics.wordLengths.max() ?? 0
    for (length, count) in statistics.wordLengths.enumerated() where count > 0 {
      let share = Amount.fixed(100 * Double(count) / Double(statistics.counts.words), 2)
      let bar = String(repeating: "#", count: Int((50 * Double(count) / Double(most)).rounded(.up)))
      print("\(padded("\(length)", 5)) \(padded(share, 6))%  \(bar)")
    }
    let words = statistics.mostFrequentWords(20).map { JSONOutput.literal($0.word.utf8) + " \($0.count)" }
    print("\nmost frequent words\n  \(words.joined(separator: "  "))")
    for (name, values) in statistics.mostFrequentMetadata(10) {
      print("\n\(name), documents")
      for (value, documents) in values { print("\(padded(Amount.grouped(documents), 10))  \(value)") }
    }
  }

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private struct Report: Encodable {
    var rule: String
    var maxWordBytes: Int
    var train: TextCounts
    var holdout: TextCounts
    var compressedBytes: Int
    var dataFingerprint: String
    var wordLengths: [Int]?
    var frequentWords: [[String: Int]]?

    init(_ corpus: Corpus, _ statistics: CorpusStatistics?) {
      rule = corpus.splitter.rule.versionedName
      maxWordBytes = corpus.splitter.maximumWordBytes
      (train, holdout) = (corpus.counts(.train), corpus.counts(.holdout))
      compressedBytes = corpus.manifest.compressedBytes
      dataFingerprint = corpus.fingerprint.hexadecimal
      wordLengths = statistics?.wordLengths
      frequentWords = statistics?.mostFrequentWords(20).map { [$0.word: $0.count] }
    }
  }
}
