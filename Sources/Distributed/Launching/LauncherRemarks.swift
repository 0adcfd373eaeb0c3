import HATStorage

/// What `mpirun`, or another launcher, has said, without what speaks to its developers.
struct LauncherRemarks {
  /// The first remark between lines of dashes that tells a user something, as one paragraph; empty if there is none.
  let first: String
  /// What stands outside of them, said by programs that it uses, such as ssh.
  let outside: [String]

  private static let forDevelopers = ["developer", "FORCE-TERMINATE", "internal failure", "Primary job"]

  init(_ bytes: [UInt8]) {
    var (remarks, outside, complaint, isInside) = ([[String]](), [String](), "", false)
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
      let text = String(decoding: line, as: UTF8.self)
      if LauncherLine.isRule(line) {
        isInside.toggle()
        if isInside { remarks.append([]) }
      } else if isInside {
        remarks[remarks.count - 1].append(text)
      } else if let reason = LauncherLine.complaint(text) {
        // The others follow from the first.
        if complaint.isEmpty { complaint = reason }
      } else if !LauncherLine.isSigned(line) && !LauncherLine.isAside(line) {
        outside.append(text)
      }
    }
    let paragraphs = remarks.map { lines in
      lines.flatMap { $0.split(whereSeparator: \.isWhitespace) }.joined(separator: " ")
    }
    first =
      paragraphs.first { paragraph in
        !paragraph.isEmpty && !Self.forDevelopers.contains { paragraph.contains($0) }
      } ?? complaint
    self.outside = outside
  }

  /// All there is to say, in one paragraph.
  var text: String { ((first.isEmpty ? [] : [first]) + outside).joined(separator: " ") }

  /// Why the launcher has not started a single rank of a job.
  /// - Returns: a `UserError` for what a command can be corrected in; else a `CommunicationFailure`.
  func refusal(of job: MPIJob, by launcher: any MPILauncher, exitCode: Int32) -> any Error {
    let program = launcher.program
    let pattern = /(?:unknown option|unrecognized argument) (.+)/
    let unknown = (outside + [first]).lazy.compactMap { $0.firstMatch(of: pattern)?.output.1 }
    if let option = unknown.first {
      return UserError(
        .wrongUsage, at: "`mpirunArguments`", "\(program) does not know the option \(option)",
        hint: "`\(program) --help` lists those it knows.")
    }
    if first.contains("not enough slots") {
      return UserError(
        .wrongUsage, at: "`ranks` \(job.ranks)", "the machines that \(program) may use have fewer slots",
        hint: "Use fewer ranks, or give the machines more slots.")
    }
    let machines = job.hostfile ?? program
    if first.contains("unable to reliably start one or more daemons") {
      let reason = outside.isEmpty ? "" : " (\(outside.joined(separator: "; ")))"
      return CommunicationFailure(
        "\(machines): not every machine can be reached\(reason). Check that `ssh MACHINE \(program) --version` works "
          + "for each, without a password, then run the same command again.")
    }
    let problem = text.isEmpty ? "it ended with exit code \(exitCode)" : text
    if !job.launcherOptions.isEmpty {
      return UserError(
        .wrongUsage, at: "`mpirunArguments` \(job.launcherOptions.joined(separator: " "))",
        "\(program) does not start the ranks: \(Self.withoutFullStop(problem))",
        hint: "Correct them, or leave them out.")
    }
    return CommunicationFailure(
      "\(machines): \(program) does not start the ranks: \(Self.withoutFullStop(problem)). "
        + "Check that `\(program) -n \(job.ranks) true` works.")
  }

  private static func withoutFullStop(_ text: String) -> Substring {
    text.hasSuffix(".") ? text.dropLast() : text[...]
  }
}
