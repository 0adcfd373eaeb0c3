import ArgumentParser
import HATCore

/// What the parser's message about wrong usage leaves out: the word that was meant, or how a value is written.
enum UsageHint {
  /// Edits that turn a mistyped command into the one that was meant.
  private static let mostEdits = 2

  /// - Parameters:
  ///   - message: the parser's.
  ///   - arguments: without the program.
  /// - Returns: nil where the message says it all.
  static func hint(
    after message: String, _ arguments: [String], of root: any ParsableCommand.Type
  ) -> String? {
    let (command, rest) = command(named: arguments[...], in: root)
    if let word = rest.first, let meant = subcommand(like: word, of: command) {
      return "Did you mean \(meant)?"
    }
    for option in rest where option.hasPrefix("--") && option != option.lowercased() {
      let name = option.prefix { $0 != "=" }
      if name != name.lowercased() { return "Options are in small letters: \(name.lowercased())" }
    }
    for (option, value) in zip(rest, rest.dropFirst()) where value.hasPrefix("-") {
      if message.contains("Missing value for '\(option)") {
        return "A value that begins with a minus is given as \(option)=\(value)"
      }
    }
    return message.contains("<\(ByteSize.valueName)>'") ? ByteSize.form : nil
  }

  /// The command that the first arguments name, and what follows.
  private static func command(
    named arguments: ArraySlice<String>, in root: any ParsableCommand.Type
  ) -> (any ParsableCommand.Type, ArraySlice<String>) {
    guard let word = arguments.first,
      let next = root.configuration.subcommands.first(where: { $0._commandName == word })
    else { return (root, arguments) }
    return command(named: arguments.dropFirst(), in: next)
  }

  private static func subcommand(like word: String, of command: any ParsableCommand.Type) -> String? {
    let names = command.configuration.subcommands.map { $0._commandName }
    guard !names.isEmpty, !word.hasPrefix("-") else { return nil }
    let nearest = Spelling.nearest(to: word, among: names)
    return Spelling.editDistance(word, nearest) <= mostEdits ? nearest : nil
  }
}
