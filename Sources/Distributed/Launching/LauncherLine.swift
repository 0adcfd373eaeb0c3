/// How lines begin that Open MPI's `mpirun` or Hydra's `mpiexec` writes to standard error, of its own accord or for the other
/// processes of its MPI. All that is known of their form is here.
enum LauncherLine {
  private static let shortestRule = 60
  private static let forwarding = Array("mpirun: Forwarding signal".utf8)
  private static let abort = Array("Abort(".utf8)

  /// Dashes alone: the first and the last line of a remark.
  static func isRule(_ line: some Collection<UInt8>) -> Bool {
    line.count >= shortestRule && line.allSatisfy { $0 == UInt8(ascii: "-") }
  }

  /// Whether a process of Open MPI's has signed it: `[node-1:1234] …`.
  static func isSigned(_ line: some Collection<UInt8>) -> Bool {
    guard line.first == UInt8(ascii: "["), let end = line.firstIndex(of: UInt8(ascii: "]")) else {
      return false
    }
    let signature = line[..<end].dropFirst().split(separator: UInt8(ascii: ":"))
    return signature.count > 1 && signature.last!.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }

  /// What Hydra has to say in a line such as `[mpiexec@node-1] match_arg (utils/args/args.c:163): unrecognized argument x`;
  /// nil if it is none.
  static func complaint(_ line: String) -> String? {
    line.prefixMatch(of: /\[(?:mpiexec|proxy:[0-9:]+)@[^\]]+\] \w+ \([^)]*\): (.*)/).map {
      String($0.output.1)
    }
  }

  /// Whether `mpirun` says that it has lost a rank that was connecting: Open MPI 4.1 then waits for it for ever, now and then.
  static func tellsOfLostRank(_ line: some Collection<UInt8>) -> Bool {
    isSigned(line) && String(decoding: line, as: UTF8.self).contains("PMIX ERROR: UNREACHABLE")
  }

  /// Whether it tells nobody anything while ranks run: `mpirun: Forwarding signal 10 to job`,
  /// `[node-1:1234] 3 more processes have sent help message …`, or `Abort(70) on node 1 (rank 1 in comm 0): …`.
  static func isAside(_ line: some Collection<UInt8>) -> Bool {
    if line.starts(with: forwarding) { return true }
    guard line.first == UInt8(ascii: "[") || line.starts(with: abort) else { return false }
    let text = String(decoding: line, as: UTF8.self)
    if !isSigned(line) { return complaint(text) != nil || text.contains("application called MPI_Abort(") }
    return ["help message", "orte_base_help_aggregate", "ORTE_ERROR_LOG", "PMIX ERROR"].contains {
      text.contains($0)
    }
  }

  /// Whether a line that begins so, and is not over, may turn out to be one of these.
  /// - Parameter start: not empty.
  static func mayFollow(_ start: some Collection<UInt8>) -> Bool {
    start.first == UInt8(ascii: "-") || start.first == UInt8(ascii: "[")
      || [forwarding, abort].contains { start.starts(with: $0) || $0.starts(with: start) }
  }
}
