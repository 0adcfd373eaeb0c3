import HATText

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

  var rule: String
  var maxWordBytes: Int
  var documents: Int
  var bytes: Int
  var words: Int
  var bytesPerWord: Double
  var train: TextCounts
  var holdout: TextCounts
  var leftOut: LeftOutCounts
  var compressedBytes: Int
  var dataFingerprint: String
  /// From 0 bytes on, how many words have each length.
  var wordLengths: [Int]?
  var frequentWords: [Word]?
  /// For each name the most frequent values, such as languages, licences and sources.
  var metadata: [String: [Value]]?

  /// - Parameter statistics: nil where only the manifest was read.
  init(_ corpus: Corpus, _ statistics: CorpusStatistics?) {
    rule = corpus.splitter.rule.versionedName
    maxWordBytes = corpus.splitter.maximumWordBytes
    (train, holdout) = (corpus.counts(.train), corpus.counts(.holdout))
    documents = train.documents + holdout.documents
    (bytes, words) = (train.bytes + holdout.bytes, train.words + holdout.words)
    bytesPerWord = Double(bytes) / Double(max(words, 1))
    leftOut = corpus.manifest.leftOut
    compressedBytes = corpus.manifest.compressedBytes
    dataFingerprint = corpus.fingerprint.hexadecimal
    guard let statistics else { return }
    wordLengths = statistics.wordLengths
    frequentWords = statistics.mostFrequentWords(20).map { Word(word: $0.word, count: $0.count) }
    metadata = Dictionary(
      uniqueKeysWithValues: statistics.mostFrequentMetadata(10).map { name, values in
        (name, values.map { Value(value: $0.value, documents: $0.documents) })
      })
  }
}
