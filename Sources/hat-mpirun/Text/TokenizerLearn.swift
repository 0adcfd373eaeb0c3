import ArgumentParser
import HATText
import SystemPackage

struct TokenizerLearn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "learn",
    abstract: "Learn a byte-level byte-pair vocabulary from a corpus, and keep it as a tokenizer.json.",
    discussion: """
      Learns from the part of the corpus to train on. The file can be loaded by the Hugging Face library tokenizers, \
      which gives the same tokens.
      """)

  @Option(help: ArgumentHelp("A corpus made by preprocess.", valueName: "DIR"))
  var data: String

  @Option(help: "Tokens, the 256 bytes and the document mark included.")
  var vocabulary = 8192

  @Option(help: ArgumentHelp("The file to write.", valueName: "FILE"))
  var output: String

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  func run() throws {
    let corpus = try Corpus(opening: FilePath(data))
    let vocabulary = try SubwordVocabulary(learningFrom: try countWords(of: corpus), count: vocabulary)
    try TokenizerFile(vocabulary).write(to: FilePath(output))
    let report = Report(
      vocabulary: vocabulary.count, train: try measure(vocabulary, on: corpus, .train),
      holdout: try measure(vocabulary, on: corpus, .holdout))
    try json ? JSONOutput.print(report) : report.show(output)
  }

  private func countWords(of corpus: Corpus) throws -> WordCounts {
    var counts = WordCounts()
    try TextProgress("counting words").forEach(of: corpus, .train) { counts.add($0) }
    return counts
  }

  private func measure(_ vocabulary: SubwordVocabulary, on corpus: Corpus, _ part: CorpusPart) throws
    -> Measure?
  {
    let encoder = SubwordEncoder(vocabulary)
    var (bytes, tokens) = (0, 0)
    try TextProgress("writing with tokens").forEach(of: corpus, part) { text in
      bytes += text.count
      tokens += encoder.encode(text).count
    }
    return tokens > 0 ? Measure(bytes: bytes, tokens: tokens) : nil
  }

  struct Measure: Encodable {
    var bytes: Int
    var tokens: Int
    var bytesPerToken: Double

    init(bytes: Int, tokens: Int) {
      (self.bytes, self.tokens) = (bytes, tokens)
      bytesPerToken = Double(bytes) / Double(tokens)
    }
  }

  private struct Report: Encodable {
    var vocabulary: Int
    var train: Measure?
    var holdout: Measure?

    func show(_ output: String) {
      print("\(output): \(Amount.grouped(vocabulary)) tokens")
      for (name, measure) in [("train", train), ("held out", holdout)] {
        guard let measure else { continue }
        print(
          "\(name): \(Amount.grouped(measure.bytes)) bytes in \(Amount.grouped(measure.tokens)) tokens, "
            + "\(Amount.fixed(measure.bytesPerToken, 2)) bytes a token")
      }
    }
  }
}
