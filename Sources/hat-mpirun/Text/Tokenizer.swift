import ArgumentParser
import Foundation
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Tokenizer: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn the vocabulary of a subword model, and encode text with it.",
    subcommands: [TokenizerLearn.self, TokenizerEncode.self])
}

struct TokenizerLearn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "learn",
    abstract: "Learn a byte-level BPE vocabulary from a corpus, and write it as a tokenizer.json.",
    discussion: """
      Learns from the training part of the corpus. The Hugging Face library tokenizers loads the file and gives the same \
      tokens.
      """)

  @Option(help: ArgumentHelp("A corpus made by preprocess.", valueName: "DIR"))
  var data: String

  @Option(help: "Number of tokens, including the 256 bytes and the document mark.")
  var vocabulary = 8192

  @Option(help: ArgumentHelp("The file to write.", valueName: "FILE"))
  var output: String

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  func run() throws {
    try DurableFile.requireFile(at: FilePath(output))
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
    try corpus.forEachText(of: .train, "counting words") { counts.add($0) }
    return counts
  }

  private func measure(
    _ vocabulary: SubwordVocabulary, on corpus: Corpus, _ part: CorpusPart
  ) throws -> Measure? {
    let encoder = SubwordEncoder(vocabulary)
    var (bytes, tokens) = (0, 0)
    try corpus.forEachText(of: part, "encoding") { text in
      // The marks of dialogues are bytes and tokens, but no text.
      let marks = text.count(where: SpecialByte.isMark)
      bytes += text.count - marks
      tokens += encoder.encode(text).count - marks
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
      TextTable.show(
        [["", "bytes", "tokens", "bytes per token"]]
          + [("train", train), ("holdout", holdout)].compactMap { name, measure in
            measure.map {
              [name, Amount.grouped($0.bytes), Amount.grouped($0.tokens), Amount.fixed($0.bytesPerToken, 2)]
            }
          })
    }
  }
}

struct TokenizerEncode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Encode standard input: print each token's number and its text on a line.",
    discussion: """
      With --json-lines each line of input is {"text_b64": "…"}, a document in base64, and each line of output \
      {"ids": [n, …]}.
      """)

  @Option(help: ArgumentHelp("The vocabulary, written by `tokenizer learn`.", valueName: "FILE"))
  var tokenizer: String

  @Flag(help: "Read and write one JSON object per line.")
  var jsonLines = false

  func run() throws {
    let encoder = SubwordEncoder(try TokenizerFile(reading: FilePath(tokenizer)).vocabulary)
    if jsonLines { return try encodeLines(encoder) }
    let text = try StandardInput.readAll()
    try TextValidation.requireValid(text, at: "standard input")
    let lines = encoder.encode(text).map { token in
      "\(token) \(JSONOutput.literal(encoder.vocabulary.bytes(of: token)))\n"
    }
    try StandardOutput.write(lines.joined().utf8)
  }

  private func encodeLines(_ encoder: SubwordEncoder) throws {
    try TextLines.visit { text, place in
      try TextValidation.requireValid(text, at: place)
      let ids = encoder.encode(text).map(String.init).joined(separator: ", ")
      try StandardOutput.write("{\"ids\": [\(ids)]}\n".utf8)
    }
  }
}
