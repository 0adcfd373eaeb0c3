extension RandomAccessCollection {
  /// Halves what is left to search again and again.
  /// - Parameter isBefore: true for some elements, and then false for all that follow.
  /// - Returns: the place of the first for which it is false; the end if there is none.
  package func firstIndex(behind isBefore: (Element) -> Bool) -> Index {
    var (start, length) = (startIndex, count)
    while length > 0 {
      let half = length / 2
      let middle = index(start, offsetBy: half)
      if isBefore(self[middle]) {
        start = index(after: middle)
        length -= half + 1
      } else {
        length = half
      }
    }
    return start
  }
}
