import CXXHash

/// XXH3, 128 bits: tells contents apart, as long as nobody forges them.
public struct ContentHash: Sendable, Hashable {
  public static let byteCount = 16

  public let low: UInt64
  public let high: UInt64

  public init(low: UInt64, high: UInt64) {
    (self.low, self.high) = (low, high)
  }

  public init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(low: hash.low64, high: hash.high64)
  }

  /// Mixed well already.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(low)
  }
}
