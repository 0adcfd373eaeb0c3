extension WordSplitter {
  /// The word of the model that holds `word` when it stands between others: with the white space its rule puts
  /// behind or before it.
  /// - Returns: nil where the rule cuts it, or joins it with something else than white space.
  public func wordBetweenOthers(_ word: some StringProtocol) -> [UInt8]? {
    let (before, bytes) = (Array("the ".utf8), Array(word.utf8))
    let text = before + bytes + Array(" the".utf8)
    let wanted = before.count..<before.count + bytes.count
    var start = 0
    for length in split(text) {
      let range = start..<start + Int(length)
      if range.lowerBound <= wanted.lowerBound && range.upperBound >= wanted.upperBound {
        let surroundings =
          text[range.lowerBound..<wanted.lowerBound] + text[wanted.upperBound..<range.upperBound]
        return !wanted.isEmpty && surroundings.allSatisfy { $0 == UInt8(ascii: " ") }
          ? Array(text[range]) : nil
      }
      start = range.upperBound
    }
    return nil
  }
}
