/// Separates what `mpirun` says about a failure from what the ranks say.
///
/// Open MPI puts its remarks between lines of dashes. They are held back, so that our one message is not buried among
/// them. When the ranks said nothing, they are all there is to show.
struct LauncherChatter {
  /// What Open MPI has said.
  private(set) var heldBack: [UInt8] = []
  /// Whether a rank has reported an error.
  private(set) var hasError = false

  private var line: [UInt8] = []
  private var isInRemark = false
  /// Whether the start of the current line has been passed on already, as for a progress bar that is redrawn.
  private var isOpen = false

  private static let shortestRule = 60
  private static let errorPrefix = Array("error: ".utf8)
  private static let launcherPrefix = Array("mpirun: ".utf8)

  /// - Returns: what to show.
  mutating func receive(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var shown: [UInt8] = []
    for byte in bytes {
      line.append(byte)
      if byte == UInt8(ascii: "\n") { endLine(&shown) }
    }
    // There is no need to wait for the end of a line that is clearly a rank's.
    if !isInRemark && !line.isEmpty && (isOpen || !isUndecided) {
      shown += line
      noteError()
      line = []
      isOpen = true
    }
    return shown
  }

  /// - Returns: what is left to show at the end.
  mutating func finish() -> [UInt8] {
    defer { line = [] }
    return isInRemark ? [] : line
  }

  private mutating func endLine(_ shown: inout [UInt8]) {
    let isRule =
      !isOpen && line.count > Self.shortestRule && line.dropLast().allSatisfy { $0 == UInt8(ascii: "-") }
    if isRule || isInRemark || (!isOpen && isAside) {
      heldBack += line
    } else {
      noteError()
      shown += line
    }
    if isRule { isInRemark.toggle() }
    line = []
    isOpen = false
  }

  private mutating func noteError() {
    if !isOpen && line.starts(with: Self.errorPrefix) { hasError = true }
  }

  private var isUndecided: Bool {
    line[0] == UInt8(ascii: "-") || line[0] == UInt8(ascii: "[") || line.starts(with: Self.launcherPrefix)
      || Self.launcherPrefix.starts(with: line) || Self.errorPrefix.starts(with: line)
  }

  /// For example `mpirun: Forwarding signal 10 to job`, or `[host:123] 3 more processes have sent help message …`.
  private var isAside: Bool {
    let text = String(decoding: line, as: UTF8.self)
    return text.hasPrefix("mpirun: Forwarding signal")
      || text.hasPrefix("[") && (text.contains("help message") || text.contains("orte_base_help_aggregate"))
  }
}
