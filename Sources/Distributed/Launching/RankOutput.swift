import HATStorage

/// Results of ranks, on their way to standard output. The launcher itself would drop without a word what it cannot write.
///
/// Hydra says there, too, that a rank was killed: an empty line, a line of `=`, and more. That is left out. No rank writes
/// anything after it.
struct RankOutput {
  private var failure: (any Error)?
  private var line: [UInt8] = []
  /// Whole lines that such a remark may begin with.
  private var undecided: [UInt8] = []
  private var isAfterRule = false
  /// Whether the start of the current line has been passed on already.
  private var isOpen = false
  private var isOver = false

  private static let remark = Array("=   BAD TERMINATION".utf8)
  private static let shortestRule = 60

  mutating func pass(_ bytes: [UInt8]) { write(sift(bytes)) }

  /// - Throws: `UserError` of kind `cannotWrite` if something could not be written.
  mutating func finish() throws {
    write(isOver ? [] : undecided + line)
    (undecided, line) = ([], [])
    if let failure { throw failure }
  }

  private mutating func write(_ bytes: [UInt8]) {
    do {
      if failure == nil && !bytes.isEmpty { try StandardOutput.write(bytes) }
    } catch {
      failure = error
    }
  }

  /// - Returns: what of it is certainly the ranks'.
  mutating func sift(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var shown: [UInt8] = []
    for byte in bytes where !isOver {
      line.append(byte)
      if byte == UInt8(ascii: "\n") { endLine(&shown) }
    }
    if !isOver, let first = line.first, isOpen || first != UInt8(ascii: "=") {
      shown += undecided + line
      (undecided, line, isAfterRule, isOpen) = ([], [], false, true)
    }
    return shown
  }

  private mutating func endLine(_ shown: inout [UInt8]) {
    let text = line.dropLast()
    let isRule = text.count >= Self.shortestRule && text.allSatisfy { $0 == UInt8(ascii: "=") }
    if isAfterRule && text.starts(with: Self.remark) {
      isOver = true
    } else if !isOpen && (text.isEmpty || isRule) {
      undecided += line
      isAfterRule = isRule
    } else {
      shown += undecided + line
      (undecided, isAfterRule) = ([], false)
    }
    line = []
    isOpen = false
  }
}
