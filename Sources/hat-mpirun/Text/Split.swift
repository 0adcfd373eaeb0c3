import ArgumentParser
import Foundation
import HATStorage
import HATTerminal
import HATText

struct Split: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Split standard input into words, and print each as a JSON string on a line.",
    discussion: """
      With --json-lines each line of input is {"text_b64": "…"}, a document in base64, and each line of output \
      {"words_b64": ["…", …]}.
      """)

  @Option(help: "Splitting rule: whitespace, unicode, or fixed:N for a word every N bytes.")
  var split = "whitespace"

  @Option(help: "Most bytes in a word; longer words are cut (default: no limit).")
  var maxWordBytes: Int?

  @Flag(help: "Read and write one JSON object per line, with texts and words in base64.")
  var jsonLines = false

  func run() throws {
    let splitter = try WordSplitter(
      SplittingRule(parsing: split), maximumWordBytes: maxWordBytes ?? .max)
    if jsonLines {
      try splitLines(splitter)
    } else {
      let text = try StandardInput.readAll()
      let lines = try Self.words(of: text, splitter, at: "standard input").map(JSONOutput.literal)
      try StandardStreams.write(Data(lines.map { $0 + "\n" }.joined().utf8))
    }
  }

  private func splitLines(_ splitter: WordSplitter) throws {
    try TextLines.visit { text, place in
      let words = try Self.words(of: text, splitter, at: place)
      let encoded = words.map { "\"\(Data($0).base64EncodedString())\"" }.joined(separator: ", ")
      try StandardStreams.write(Data("{\"words_b64\": [\(encoded)]}\n".utf8))
    }
  }

  private static func words(
    of text: [UInt8], _ splitter: WordSplitter, at place: String
  ) throws -> [ArraySlice<UInt8>] {
    try TextValidation.requireValid(text, at: place)
    return splitter.words(of: text)
  }
}
