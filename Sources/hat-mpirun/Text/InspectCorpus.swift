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
      try JSONOutput.print(CorpusReport(corpus, statistics))
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
    print("\nbytes in a word, and their share of all words")
    let histogram = WordLengthHistogram(statistics.wordLengths)
    let most = histogram.rows.map(\.words).max() ?? 1
    for row in histogram.rows { print(Self.line(row, most: most)) }
    print("\nmost frequent words")
    for word in statistics.mostFrequentWords(20) {
      print("\(Self.padded(Amount.grouped(word.count), 12))  \(JSONOutput.literal(word.word.utf8))")
    }
    for (name, values) in statistics.mostFrequentMetadata(10) {
      print("\n\(name), documents")
      for (value, documents) in values {
        print(
          "\(Self.padded(Amount.grouped(documents), 12))  \(JSONOutput.literal(value.utf8).dropFirst().dropLast())"
        )
      }
    }
  }

  private static let longestBar = 48.0

  /// Such as `   3  17.42%  ██████▍`.
  private static func line(_ row: WordLengthHistogram.Row, most: Int) -> String {
    let (first, last) = (row.lengths.lowerBound, row.lengths.upperBound)
    let name = first == last ? "\(first)" : "\(first)–\(last)"
    let share = Amount.fixed(100 * row.share, row.share < 0.001 ? 5 : 2)
    let bar = Bar.show(longestBar * Double(row.words) / Double(most))
    return "\(padded(name, 9))  \(padded(share, 8))%  \(bar)"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
