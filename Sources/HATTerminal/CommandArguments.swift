import Glibc
import HATStorage

/// What no command can use, found before any of them sees it.
enum CommandArguments {
  /// Options whose value may be empty.
  private static let mayBeEmpty: Set<String> = ["--prompt", "--mpirun-arguments"]

  /// Options of `preprocess` that may stand without a value: what they mean then, and the values they may have.
  private static let mayStandAlone = [
    "--deduplicate": (meaning: "exact", values: ["exact", "near"])
  ]

  /// The arguments with a value for every option. (ArgumentParser's `defaultAsFlag` would take a file behind it for one.)
  static func completed(_ arguments: [String]) -> [String] {
    guard arguments.first == "preprocess" else { return arguments }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    var completed: [String] = []
    for (index, argument) in arguments.enumerated() {
      completed.append(argument)
      guard index < end, let option = mayStandAlone[argument] else { continue }
      let next = index + 1 < end ? arguments[index + 1] : ""
      if !option.values.contains(next) { completed.append(option.meaning) }
    }
    return completed
  }

  /// - Throws: `UserError` of kind `wrongUsage` for an argument that is not UTF-8, in which Swift would replace what is not; and
  ///   for an option whose value is empty, which as a path would be the current folder.
  static func check() throws {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[index] else { continue }
      guard String(validatingCString: argument) != nil else {
        throw UserError(
          .wrongUsage, at: String(cString: argument), "argument \(index) is not valid UTF-8",
          hint: "Write it in UTF-8; a text can also be given on standard input.")
      }
    }
    try check(CommandLine.arguments)
  }

  static func check(_ arguments: [String]) throws {
    for (argument, next) in zip(arguments, arguments.dropFirst() + ["-"]) {
      if argument == "--" { return }
      guard argument.hasPrefix("--") else { continue }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let (option, value) = (String(parts[0]), parts.count > 1 ? String(parts[1]) : next)
      if value.isEmpty && !mayBeEmpty.contains(option) {
        throw UserError(
          .wrongUsage, at: option, "its value is empty", hint: "Give a value, or leave the option out.")
      }
    }
  }
}
