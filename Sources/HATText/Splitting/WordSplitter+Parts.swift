extension WordSplitter {
  /// The lengths of the words of a part of a text, which may begin and end within a scalar: a window of so many bytes does.
  ///
  /// What is there of a scalar belongs to the word beside it, if that has room; otherwise it is a word of its own.
  /// - Returns: nil for what is in no valid UTF-8.
  public func split(partOfText bytes: [UInt8]) -> [UInt32]? {
    let whole = Self.wholeScalars(of: bytes)
    let text = Array(bytes[whole])
    guard TextValidation.firstInvalidByte(in: text) == nil else { return nil }
    var lengths = split(text)
    let (before, behind) = (whole.lowerBound, bytes.count - whole.upperBound)
    if before > 0 { add(UInt32(before), toWordAt: 0, orAt: 0, of: &lengths) }
    if behind > 0 { add(UInt32(behind), toWordAt: lengths.count - 1, orAt: lengths.count, of: &lengths) }
    return lengths
  }

  private func add(
    _ bytes: UInt32, toWordAt word: Int, orAt place: Int, of lengths: inout [UInt32]
  ) {
    if lengths.indices.contains(word), Int(lengths[word] + bytes) <= maximumWordBytes {
      lengths[word] += bytes
    } else {
      lengths.insert(bytes, at: place)
    }
  }

  /// What is left without continuation bytes at the beginning, and without a scalar at the end that is not complete.
  private static func wholeScalars(of bytes: [UInt8]) -> Range<Int> {
    let start = bytes.prefix(longestScalar - 1).prefix { UTF8.isContinuation($0) }.count
    let tail = max(start, bytes.count - (longestScalar - 1))
    guard let lead = bytes[tail...].lastIndex(where: { !UTF8.isContinuation($0) }) else {
      return start..<bytes.count
    }
    return start..<(isComplete(bytes[lead...]) ? bytes.count : lead)
  }

  private static let longestScalar = 4

  /// Whether a scalar that begins some bytes ends in them. What begins none counts as complete.
  private static func isComplete(_ bytes: ArraySlice<UInt8>) -> Bool {
    switch bytes.first! {
    case 0xC2...0xDF: bytes.count >= 2
    case 0xE0...0xEF: bytes.count >= 3
    case 0xF0...0xF4: bytes.count >= 4
    default: true
    }
  }
}
