/// Random numbers that are a function of their keys alone, on every machine and in every version: SplitMix64.
public struct RandomSource: Sendable {
  @usableFromInline var state: UInt64

  @usableFromInline static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  public init(keys: UInt64...) {
    self = keys.reduce(RandomSource(state: Self.increment)) { $0.adding(key: $1) }
  }

  @inlinable
  init(state: UInt64) { self.state = state }

  /// The source that has one key more; nothing may have been drawn from this one. It allocates nothing, so that a source
  /// may be made for every number.
  @inlinable
  public func adding(key: UInt64) -> RandomSource {
    RandomSource(state: Self.mix(state ^ key) &+ Self.increment)
  }

  @inlinable
  public mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mix(state)
  }

  /// A number from 0 to below `bound`. The bias is below bound / 2⁶⁴.
  public mutating func next(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number from [0, 1).
  public mutating func nextUnit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// Puts the elements in an order drawn evenly (Fisher–Yates). Written out, because the standard library does not promise
  /// the same order in every version.
  @inlinable
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, next(below: last + 1))
    }
  }

  /// The finaliser of SplitMix64, a bijection.
  @inlinable
  public static func mix(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
