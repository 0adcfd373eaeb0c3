import ArgumentParser
import HATCore

/// What is to be taken for granted of the text.
struct TextOptions: ParsableArguments {
  @Option(help: "Bytes of an average word of the text; `inspect corpus` measures it.")
  var bytesPerWord = AssumedText.english.bytesPerWord

  @Option(help: "Bytes of an average token, for a subword model; `tokenizer learn` measures it.")
  var bytesPerToken = AssumedText.english.bytesPerToken

  func validate() throws {
    guard bytesPerWord >= 1 else { throw ValidationError("--bytes-per-word must be at least 1.") }
    guard bytesPerToken >= 1 else { throw ValidationError("--bytes-per-token must be at least 1.") }
  }

  var assumed: AssumedText { AssumedText(bytesPerWord: bytesPerWord, bytesPerToken: bytesPerToken) }
  var isUntouched: Bool { assumed == .english }
}
