/// Which rows belong together: segment i (a word, a document) is rows `offsets[i]..<offsets[i + 1]`.
public struct Segments {
  /// [count + 1], not decreasing.
  public let offsets: UnsafePointer<Int32>
  public let count: Int

  public init(offsets: UnsafePointer<Int32>, count: Int) {
    precondition(count >= 0)
    self.offsets = offsets
    self.count = count
  }

  /// Some of the segments; their rows keep their numbers.
  public subscript(range: Range<Int>) -> Segments {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return Segments(offsets: offsets + range.lowerBound, count: range.count)
  }

  public func rows(_ index: Int) -> Range<Int> {
    Int(offsets[index])..<Int(offsets[index + 1])
  }
}
