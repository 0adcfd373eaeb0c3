/// How lines begin that `mpirun` writes to standard error, of its own accord or for Open MPI's other processes. All that is known
/// of their form is here.
enum LauncherLine {
  private static let shortestRule = 60
  private static let forwarding = Array("mpirun: Forwarding signal".utf8)

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

  /// Whether it tells nobody anything while ranks run: `mpirun: Forwarding signal 10 to job`, or
  /// `[node-1:1234] 3 more processes have sent help message …`.
  static func isAside(_ line: some Collection<UInt8>) -> Bool {
    if line.starts(with: forwarding) { return true }
    guard isSigned(line) else { return false }
    let text = String(decoding: line, as: UTF8.self)
    return ["help message", "orte_base_help_aggregate", "ORTE_ERROR_LOG"].contains { text.contains($0) }
  }

  /// Whether a line that begins so, and is not over, may turn out to be one of these.
  /// - Parameter start: not empty.
  static func mayFollow(_ start: some Collection<UInt8>) -> Bool {
    start.first == UInt8(ascii: "-") || start.first == UInt8(ascii: "[") || start.starts(with: forwarding)
      || forwarding.starts(with: start)
  }
}
