import ArgumentParser

struct Tokenizer: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn the subword vocabulary of a baseline, and write text with it.",
    subcommands: [TokenizerLearn.self, TokenizerEncode.self])
}
