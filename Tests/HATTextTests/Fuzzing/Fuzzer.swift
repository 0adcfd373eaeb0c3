import Foundation

@testable import HATText

/// Tries random input for some time. `HAT_FUZZ_SECONDS` and `HAT_FUZZ_SEED` make it longer and different; the
/// rounds of a seed are always the same, only their number depends on the machine.
struct Fuzzer {
  private static func variable(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  static let seconds = variable("HAT_FUZZ_SECONDS") ?? 6
  static let seed = UInt64(variable("HAT_FUZZ_SEED") ?? 1)

  /// Calls `body` with a generator for each round; what it throws names the round.
  static func run(_ body: (inout TextGenerator) throws -> Void) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    var round: UInt64 = 0
    while ContinuousClock.now < end || round < 100 {
      var generator = TextGenerator(seed: RandomSource.mix(seed) &+ round)
      do {
        try body(&generator)
      } catch {
        throw Failure(description: "HAT_FUZZ_SEED=\(seed), round \(round): \(error)")
      }
      round += 1
    }
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }
}

extension TextGenerator {
  private static let edges: [UInt64] = [
    0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 1 << 20, 1 << 30, 1 << 31, 1 << 32, 1 << 40, 1 << 48, 1 << 62,
    1 << 63, .max - 1, .max,
  ]

  /// A number that breaks things: at an edge, or near `value`.
  mutating func hostileNumber(near value: UInt64) -> UInt64 {
    switch Int.random(in: 0..<3, using: &self) {
    case 0: Self.edges.randomElement(using: &self)!
    case 1: value &+ UInt64(Int.random(in: 0...16, using: &self)) &- 8
    default: next() >> UInt64.random(in: 0..<64, using: &self)
    }
  }

  /// Bytes that were changed, taken out, doubled or cut off somewhere.
  mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
      let start = Int.random(in: 0..<bytes.count, using: &self)
      let range = start..<min(bytes.count, start + Int.random(in: 1...9, using: &self))
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      case 1: bytes[start] = UInt8.random(in: 0...255, using: &self)
      case 2: bytes.removeSubrange(range)
      case 3: bytes.insert(contentsOf: bytes[range], at: start)
      case 4:
        let number = hostileNumber(near: 0)
        for (place, index) in range.enumerated() where place < 8 {
          bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(place)))
        }
      default: bytes.removeLast(bytes.count - start)
      }
    }
    return bytes
  }
}
