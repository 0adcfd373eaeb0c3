/// A permutation of 0..<count that takes no memory: a Feistel network over the next even number of bits, walked
/// until it lands inside.
public struct RandomPermutation: Sendable {
  public let count: Int
  private let halfBits: UInt64
  private let keys: [UInt64]

  private static let rounds = 6

  /// - Parameter random: what chooses the permutation.
  public init(count: Int, random: RandomSource) {
    self.count = count
    let bits = Int.bitWidth - max(count - 1, 1).leadingZeroBitCount
    halfBits = UInt64((bits + 1) / 2)
    var random = random
    keys = (0..<Self.rounds).map { _ in random.next() }
  }

  public subscript(position: Int) -> Int {
    precondition(0..<count ~= position)
    var value = UInt64(position)
    // The network has at most four values for each that is wanted, so the walk is short.
    repeat { value = encrypt(value) } while value >= UInt64(count)
    return Int(value)
  }

  private func encrypt(_ value: UInt64) -> UInt64 {
    let mask = (1 << halfBits) - 1 as UInt64
    var (left, right) = (value >> halfBits, value & mask)
    for key in keys {
      (left, right) = (right, left ^ (RandomSource.mix(right ^ key) & mask))
    }
    return left << halfBits | right
  }
}
