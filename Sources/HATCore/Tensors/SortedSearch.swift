extension RandomAccessCollection {
  /// Binary search.
  /// - Parameter isBefore: true for a first part of the elements, false for all behind it.
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
