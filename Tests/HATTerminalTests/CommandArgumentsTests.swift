import Testing

@testable import HATTerminal

@Suite struct CommandArgumentsTests {
  @Test func anOptionMayStandWithoutItsValue() {
    for (given, completed) in [
      ("preprocess --deduplicate", "preprocess --deduplicate exact"),
      ("preprocess --deduplicate texts", "preprocess --deduplicate exact texts"),
      ("preprocess --deduplicate --json texts", "preprocess --deduplicate exact --json texts"),
      ("preprocess --deduplicate near texts", "preprocess --deduplicate near texts"),
      ("preprocess --deduplicate=near texts", "preprocess --deduplicate=near texts"),
      ("preprocess --deduplicate -- near", "preprocess --deduplicate exact -- near"),
      ("preprocess -- --deduplicate", "preprocess -- --deduplicate"),
      ("generate --prompt --deduplicate", "generate --prompt --deduplicate"),
      ("", ""),
    ] {
      let arguments = given.split(separator: " ").map(String.init)
      #expect(CommandArguments.completed(arguments).joined(separator: " ") == completed)
    }
  }
}
