/// Separates what `mpirun` says about a failure from what the ranks say.
///
/// Before a rank has started, all is said by `mpirun` and the programs it uses. Later Open MPI puts its remarks between
/// lines of dashes. They are held back, so that our one message is not buried among them.
struct LauncherChatter {
  /// What Open MPI has said.
  private(set) var heldBack: [UInt8] = []
  /// Whether a rank has started.
  private(set) var hasRank = false
  /// Whether it has said that it lost a rank (`LauncherLine.tellsOfLostRank`).
  private(set) var hasLostRank = false
  /// Whether a rank has reported an error.
  private(set) var hasError = false

  private var line: [UInt8] = []
  private var isInRemark = false
  /// Whether the start of the current line has been passed on already, as for a progress bar that is redrawn.
  private var isOpen = false

  /// What every rank of a supervised job says first.
  static let greeting = "hat: this rank has started"

  private static let errorPrefix = Array("error: ".utf8)
  private static let greetingLine = Array(greeting.utf8)

  /// - Returns: what to show.
  mutating func receive(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var shown: [UInt8] = []
    for byte in bytes {
      line.append(byte)
      if byte == UInt8(ascii: "\n") { endLine(&shown) }
    }
    // There is no need to wait for the end of a line that is clearly a rank's.
    if hasRank && !isInRemark && !line.isEmpty && (isOpen || !isUndecided) {
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
    guard hasRank else {
      heldBack += line
      return []
    }
    return isInRemark ? [] : line
  }

  private mutating func endLine(_ shown: inout [UInt8]) {
    let isRule = !isOpen && LauncherLine.isRule(line.dropLast())
    if !isOpen && LauncherLine.tellsOfLostRank(line) { hasLostRank = true }
    if !isOpen && isGreeting {
      hasRank = true
    } else if !hasRank || isRule || isInRemark || (!isOpen && LauncherLine.isAside(line)) {
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
    LauncherLine.mayFollow(line) || [Self.errorPrefix, Self.greetingLine].contains { $0.starts(with: line) }
  }

  /// `mpirun` may put a rank's number in front of it, if it has been asked to.
  private var isGreeting: Bool { line.dropLast().suffix(Self.greetingLine.count) == Self.greetingLine[...] }
}
