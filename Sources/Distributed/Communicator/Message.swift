/// Bytes for another rank.
public struct OutgoingMessage {
  public var rank: Int
  public var bytes: UnsafeRawBufferPointer

  public init(to rank: Int, _ bytes: UnsafeRawBufferPointer) {
    (self.rank, self.bytes) = (rank, bytes)
  }

  /// Some floats of a buffer.
  public init(to rank: Int, _ base: UnsafePointer<Float>, _ range: Range<Int>) {
    self.init(
      to: rank,
      UnsafeRawBufferPointer(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)))
  }
}

/// Room for what another rank sends: exactly as much as that is.
public struct IncomingMessage {
  public var rank: Int
  public var bytes: UnsafeMutableRawBufferPointer

  public init(from rank: Int, _ bytes: UnsafeMutableRawBufferPointer) {
    (self.rank, self.bytes) = (rank, bytes)
  }

  public init(from rank: Int, _ base: UnsafeMutablePointer<Float>, _ range: Range<Int>) {
    self.init(
      from: rank,
      UnsafeMutableRawBufferPointer(
        UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count)))
  }
}
