import Testing

/// Checks that a mistake of the user's ends as promised: with its exit code and one paragraph that says where it
/// is and what to do, not with a crash or a hang.
func expectMistake(
  _ output: ChildProcess.Output, exitCode: Int32, mentions words: [String],
  location: SourceLocation = #_sourceLocation
) {
  #expect(output.exitCode == exitCode, "\(output.description)", sourceLocation: location)
  #expect(!output.isTimedOut, "it hung", sourceLocation: location)
  for word in words {
    #expect(
      output.standardError.contains(word), "no \(word) in: \(output.description)", sourceLocation: location)
  }
  for trace in ["Fatal error", "Stack dump", "*** Signal", "Swift runtime failure"] {
    #expect(!output.standardError.contains(trace), "\(output.description)", sourceLocation: location)
  }
}

/// The same of a whole job: one message, not one a rank.
func expectOneMessage(
  _ output: ChildProcess.Output, exitCode: Int32, mentions word: String,
  location: SourceLocation = #_sourceLocation
) {
  expectMistake(output, exitCode: exitCode, mentions: [word], location: location)
  let lines = output.standardError.split(separator: "\n").filter { $0.contains(word) }
  #expect(lines.count == 1, "\(output.description)", sourceLocation: location)
}
