import ArgumentParser
import Foundation
import HATStorage
import HATText

struct Split: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cut standard input into words, and print each as a JSON string on a line.",
    discussion: """
      With --json-lines each line of input is {"text_b64": "…"}, a document in base64, and each line of output \
      {"words_b64": ["…", …]}.
      """)

  @Option(help: "The splitting rule: whitespace, unicode, or fixed:N for a word every N bytes.")
  var split = "whitespace"

  @Option(help: "The most bytes of a word; longer ones are cut. Without it words are as long as they are.")
  var maxWordBytes: Int?

  @Flag(help: "Read and write a JSON object a line, texts and words in base64.")
  var jsonLines = false

  func run() throws {
    let splitter = try WordSplitter(
      SplittingRule(parsing: split), maximumWordBytes: maxWordBytes ?? .max)
    if jsonLines {
      try splitLines(splitter)
    } else {
      let text = try StandardInput.readAll()
      let lines = try Self.words(of: text, splitter, at: "standard input").map(JSONOutput.literal)
      FileHandle.standardOutput.write(Data(lines.map { $0 + "\n" }.joined().utf8))
    }
  }

  private func splitLines(_ splitter: WordSplitter) throws {
    try TextLines.visit { text, place in
      let words = try Self.words(of: text, splitter, at: place)
      let encoded = words.map { "\"\(Data($0).base64EncodedString())\"" }.joined(separator: ", ")
      FileHandle.standardOutput.write(Data("{\"words_b64\": [\(encoded)]}\n".utf8))
    }
  }

  private static func words(
    of text: [UInt8], _ splitter: WordSplitter, at place: String
  ) throws -> [ArraySlice<UInt8>] {
    try TextValidation.requireValid(text, at: place)
    var start = 0
    return splitter.split(text).map { length in
      defer { start += Int(length) }
      return text[start..<start + Int(length)]
    }
  }
}
