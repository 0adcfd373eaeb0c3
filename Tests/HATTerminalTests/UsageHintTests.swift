import ArgumentParser
import Testing

@testable import HATTerminal

@Suite struct UsageHintTests {
  private struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "root", subcommands: [Preprocess.self])
  }

  private struct Preprocess: ParsableCommand {
    @Option var seed = 1
    @Option(help: ArgumentHelp(valueName: ByteSize.valueName)) var shardBytes: ByteSize?
  }

  private func hint(_ arguments: String...) -> String? {
    do {
      _ = try Root.parseAsRoot(arguments)
      return nil
    } catch {
      return UsageHint.hint(after: Root.fullMessage(for: error), arguments, of: Root.self)
    }
  }

  @Test func wordsThatAreMeantAreNamed() {
    #expect(hint("Preprocess") == "Did you mean preprocess?")
    #expect(hint("preproces") == "Did you mean preprocess?")
    #expect(hint("evaluate") == nil)
    #expect(hint("preprocess", "--Seed", "3") == "Options are in small letters: --seed")
  }

  @Test func valuesAreShownAsTheyAreWritten() {
    #expect(
      hint("preprocess", "--seed", "-5") == "A value that begins with a minus is given as --seed=-5")
    #expect(hint("preprocess", "--shard-bytes", "24") == ByteSize.form)
    #expect(hint("preprocess", "--shard-bytes", "24gb") == ByteSize.form)
    #expect(hint("preprocess", "--shard-bytes", "24GB") == nil)
    #expect(hint("preprocess", "--seed", "x") == nil)
  }
}
