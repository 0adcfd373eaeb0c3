/// Finds the strings that end a text while it is being written, and holds back what may be the beginning of one.
struct StopFinder {
  private var stops: [StopString]
  private var held: [UInt8] = []

  init(_ stops: [[UInt8]]) {
    self.stops = stops.filter { !$0.isEmpty }.map(StopString.init)
  }

  /// Takes more of the text.
  /// - Returns: what of it, and of what was held back, belongs to the text for certain; and whether a string was found that ends it.
  mutating func take(_ text: [UInt8]) -> (text: [UInt8], isStopped: Bool) {
    for byte in text {
      held.append(byte)
      var longest = 0
      for index in stops.indices where stops[index].isComplete(after: byte) {
        longest = max(longest, stops[index].bytes.count)
      }
      if longest > 0 { return (Array(held.dropLast(longest)), true) }
    }
    let possible = stops.reduce(0) { max($0, $1.matched) }
    defer { held.removeFirst(held.count - possible) }
    return (Array(held.dropLast(possible)), false)
  }

  /// What was held back, at the end of the text.
  mutating func rest() -> [UInt8] {
    defer { held = [] }
    return held
  }
}

/// One of them, and how much of it the text ends with (Knuth, Morris and Pratt 1977).
private struct StopString {
  let bytes: [UInt8]
  /// Bytes at the end of the text that begin the string.
  private(set) var matched = 0
  /// After so many matched bytes, how many still match when the next one does not.
  private var shorter: [Int] = [0, 0]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    for count in 1..<max(1, bytes.count) {
      var length = shorter[count]
      while length > 0, bytes[length] != bytes[count] { length = shorter[length] }
      shorter.append(bytes[length] == bytes[count] ? length + 1 : 0)
    }
  }

  mutating func isComplete(after byte: UInt8) -> Bool {
    if matched == bytes.count { matched = shorter[matched] }
    while matched > 0, bytes[matched] != byte { matched = shorter[matched] }
    if bytes[matched] == byte { matched += 1 }
    return matched == bytes.count
  }
}
