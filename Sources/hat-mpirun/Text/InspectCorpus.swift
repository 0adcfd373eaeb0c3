import ArgumentParser
import HATTerminal
import HATText
import SystemPackage

struct InspectCorpus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corpus",
    abstract: "Report what a corpus contains, and verify every checksum.",
    discussion: "Reads the whole corpus; with --quick only its manifest.")

  @Argument(help: "A corpus made by preprocess.")
  var directory: String

  @Flag(help: "Report only what the manifest says.")
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
    if let dialogues = statistics.dialogues { show(dialogues) }
    print("\nbytes in a word, share of words")
    let rows = WordLengthHistogram(statistics.wordLengths).rows
    let most = rows.map(\.words).max() ?? 1
    TextTable.show(
      rows.map { row in
        let (first, last) = (row.lengths.lowerBound, row.lengths.upperBound)
        return [
          first == last ? "\(first)" : "\(first)–\(last)",
          Amount.fixed(100 * row.share, row.share < 0.001 ? 5 : 2) + "%",
          Bar.show(Self.longestBar * Double(row.words) / Double(most)),
        ]
      }, [.right, .right, .left])
    print("\nmost frequent words")
    TextTable.show(
      statistics.mostFrequentWords(20).map {
        [Amount.grouped($0.count), JSONOutput.literal($0.word.utf8)]
      }, [.right, .left])
    for (name, values) in statistics.mostFrequentMetadata(10) {
      print("\n\(name), documents")
      TextTable.show(
        values.map { [Amount.grouped($1), String(JSONOutput.literal($0.utf8).dropFirst().dropLast())] },
        [.right, .left])
    }
  }

  private func show(_ dialogues: DialogueStatistics) {
    print("\nmarks")
    TextTable.show(
      dialogues.marks.map { [Amount.grouped($0.count), $0.name] }, [.right, .left])
    let share = 100 * Double(dialogues.countedBytes) / Double(max(dialogues.textBytes, 1))
    print(
      "\nWhat counts: \(Amount.counted(dialogues.countedWords, "word")) of "
        + "\(Amount.counted(dialogues.countedBytes, "byte")), \(Amount.fixed(share, 1))% of the text.")
  }

  private static let longestBar = 48.0
}

/// What `inspect corpus --json` prints.
struct CorpusReport: Encodable {
  struct Value: Encodable {
    var value: String
    var documents: Int
  }

  struct Word: Encodable {
    var word: String
    var count: Int
  }

  struct Mark: Encodable {
    var mark: String
    var count: Int
  }

  struct Dialogues: Encodable {
    var marks: [Mark]
    /// Without marks.
    var textBytes: Int
    /// What is part of the loss, marks left out.
    var countedWords: Int
    var countedBytes: Int
  }

  var rule: String
  var maxWordBytes: Int
  /// What the documents are.
  var kind: String
  var documents: Int
  var bytes: Int
  var words: Int
  var bytesPerWord: Double
  var train: TextCounts
  var holdout: TextCounts
  var leftOut: LeftOutCounts
  /// Of preferences, what the longest takes of a sequence.
  var longestPair: SequenceSize?
  var compressedBytes: Int
  var dataFingerprint: String
  /// How many words have each length, from 0 bytes.
  var wordLengths: [Int]?
  /// Nil for text.
  var dialogues: Dialogues?
  var frequentWords: [Word]?
  /// For each name, such as language, licence or source, the most frequent values.
  var metadata: [String: [Value]]?

  /// - Parameter statistics: nil where only the manifest was read.
  init(_ corpus: Corpus, _ statistics: CorpusStatistics?) {
    rule = corpus.splitter.rule.versionedName
    maxWordBytes = corpus.splitter.maximumWordBytes
    kind = corpus.documents.rawValue
    (train, holdout) = (corpus.counts(.train), corpus.counts(.holdout))
    documents = train.documents + holdout.documents
    (bytes, words) = (train.bytes + holdout.bytes, train.words + holdout.words)
    bytesPerWord = Double(bytes) / Double(max(words, 1))
    leftOut = corpus.manifest.leftOut
    longestPair = corpus.manifest.longestPair
    compressedBytes = corpus.manifest.compressedBytes
    dataFingerprint = corpus.fingerprint.hexadecimal
    guard let statistics else { return }
    wordLengths = statistics.wordLengths
    dialogues = statistics.dialogues.map { dialogues in
      Dialogues(
        marks: dialogues.marks.map { Mark(mark: $0.name, count: $0.count) }, textBytes: dialogues.textBytes,
        countedWords: dialogues.countedWords, countedBytes: dialogues.countedBytes)
    }
    frequentWords = statistics.mostFrequentWords(20).map { Word(word: $0.word, count: $0.count) }
    metadata = Dictionary(
      uniqueKeysWithValues: statistics.mostFrequentMetadata(10).map { name, values in
        (name, values.map { Value(value: $0.value, documents: $0.documents) })
      })
  }
}

/// What the manifest of a corpus says, as a table.
enum CorpusTable {
  static func show(_ manifest: CorpusManifest) {
    let splitter = manifest.settings.splitter
    let bytes = manifest.train.counts.bytes + manifest.holdout.counts.bytes
    let share = Amount.fixed(100 * Double(manifest.compressedBytes) / Double(max(bytes, 1)), 1)
    var rows = [["rule", "\(splitter.rule.name), words of up to \(splitter.maximumWordBytes) bytes"]]
    if manifest.settings.documents != .text {
      rows.append(["documents", manifest.settings.documents.rawValue])
    }
    if let pair = manifest.longestPair {
      rows.append([
        "longest pair", "\(Amount.counted(pair.words, "word")), \(Amount.counted(pair.bytes, "byte"))",
      ])
    }
    TextTable.show(
      rows + CorpusPart.allCases.map { [$0.rawValue, text(manifest.part($0))] } + [
        ["on disk", "\(Amount.bytes(manifest.compressedBytes)), \(share)% of the text"],
        ["fingerprint", manifest.dataFingerprint.hexadecimal],
      ], [.left])
  }

  private static func text(_ part: CorpusManifest.Part) -> String {
    let counts = part.counts
    let perWord = Amount.fixed(Double(counts.bytes) / Double(max(counts.words, 1)), 2)
    return "\(Amount.counted(counts.documents, "document")), \(Amount.counted(counts.words, "word")), "
      + "\(Amount.counted(counts.bytes, "byte")) (\(perWord) per word), "
      + Amount.counted(part.shards.count, "shard")
  }
}

extension CorpusManifest {
  /// Of all shards.
  var compressedBytes: Int {
    (train.shards + holdout.shards).reduce(0) { $0 + $1.fileBytes }
  }
}
