extension WordSplitter {
  func splitAtUnicodeBoundaries(_ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    // English has a word every 5 to 6 bytes, other languages every 3 to 10.
    lengths.reserveCapacity(text.count / 5)
    var scanner = UnicodeScanner(text)
    var start = 0
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: UnicodeScanner.mostWords) { words in
      while let count = scanner.next(into: words) {
        append(UnsafeBufferPointer(rebasing: words[..<count]), of: text, from: &start, to: &lengths)
      }
    }
  }

  /// Appends words that begin at `start` and moves it behind them.
  private func append(
    _ words: UnsafeBufferPointer<UInt32>, of text: UnsafeBufferPointer<UInt8>, from start: inout Int,
    to lengths: inout [UInt32]
  ) {
    var (longest, total) = (0 as UInt32, 0)
    for length in words {
      longest = max(longest, length)
      total += Int(length)
    }
    if Int(longest) <= maximumWordBytes {
      lengths.append(contentsOf: words)
      start += total
      return
    }
    for length in words {
      let end = start + Int(length)
      emit(start..<end, of: text, into: &lengths)
      start = end
    }
  }
}
