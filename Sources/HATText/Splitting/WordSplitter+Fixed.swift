extension WordSplitter {
  func splitEvery(_ bytes: Int, _ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    lengths.reserveCapacity(text.count / bytes + 1)
    var start = 0
    while start < text.count {
      var end = min(start + bytes, text.count)
      while end < text.count && UTF8.isContinuation(text[end]) { end += 1 }
      emit(start..<end, of: text, into: &lengths)
      start = end
    }
  }
}
