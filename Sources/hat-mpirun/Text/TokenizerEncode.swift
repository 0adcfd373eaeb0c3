import ArgumentParser
import Foundation
import HATStorage
import HATText
import SystemPackage

struct TokenizerEncode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Write standard input with the tokens of a vocabulary: a number and its text on each line.",
    discussion: """
      With --json-lines each line of input is {"text_b64": "…"}, a document in base64, and each line of output \
      {"ids": [n, …]}.
      """)

  @Option(help: ArgumentHelp("The vocabulary, as `tokenizer learn` wrote it.", valueName: "FILE"))
  var tokenizer: String

  @Flag(help: "Read and write a JSON object a line.")
  var jsonLines = false

  func run() throws {
    let encoder = SubwordEncoder(try TokenizerFile(reading: FilePath(tokenizer)).vocabulary)
    if jsonLines { return try encodeLines(encoder) }
    let text = try StandardInput.readAll()
    try TextValidation.requireValid(text, at: "standard input")
    let lines = encoder.encode(text).map { token in
      "\(token) \(JSONOutput.literal(encoder.vocabulary.bytes(of: token)))\n"
    }
    FileHandle.standardOutput.write(Data(lines.joined().utf8))
  }

  private func encodeLines(_ encoder: SubwordEncoder) throws {
    try TextLines.visit { text, place in
      try TextValidation.requireValid(text, at: place)
      let ids = encoder.encode(text).map(String.init).joined(separator: ", ")
      FileHandle.standardOutput.write(Data("{\"ids\": [\(ids)]}\n".utf8))
    }
  }
}
