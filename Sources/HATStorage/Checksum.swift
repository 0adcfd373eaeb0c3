import CXXHash

/// XXH3, 64 bits: guards shards and checkpoints against damage (not against forgery).
public struct Checksum: Sendable, Hashable {
  public let value: UInt64

  public init(value: UInt64) {
    self.value = value
  }

  public init(of bytes: UnsafeRawBufferPointer) {
    value = XXH3_64bits(bytes.baseAddress, bytes.count)
  }

  public init(of bytes: [UInt8]) {
    self.init(of: bytes[...])
  }

  public init(of bytes: ArraySlice<UInt8>) {
    self = bytes.withUnsafeBytes { Checksum(of: $0) }
  }
}

extension Checksum {
  /// Sixteen lower-case hexadecimal digits.
  public var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  public init?(hexadecimal: String) {
    guard hexadecimal.utf8.count == 16, let value = UInt64(hexadecimal, radix: 16) else { return nil }
    self.value = value
  }
}

extension Checksum: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let checksum = Checksum(hexadecimal: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a checksum is 16 hexadecimal digits, not \(text)")
    }
    self = checksum
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hexadecimal)
  }
}

/// A checksum of data that comes in pieces; equal to `Checksum(of:)` of their concatenation.
public final class RunningChecksum {
  private let state: OpaquePointer

  public init() {
    state = XXH3_createState()
    XXH3_64bits_reset(state)
  }

  deinit {
    XXH3_freeState(state)
  }

  public func update(_ bytes: UnsafeRawBufferPointer) {
    XXH3_64bits_update(state, bytes.baseAddress, bytes.count)
  }

  public var checksum: Checksum {
    Checksum(value: XXH3_64bits_digest(state))
  }
}
