import HATStorage

/// Whether bytes are UTF-8.
public enum TextValidation {
  /// U+FEFF, which some programs put in front of a file.
  public static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The offset of the first byte that is not part of valid UTF-8, or nil.
  public static func firstInvalidByte(in text: UnsafeBufferPointer<UInt8>) -> Int? {
    do {
      _ = try UTF8Span(validating: Span(_unsafeElements: text))
      return nil
    } catch {
      return error.byteOffsets.lowerBound
    }
  }

  public static func firstInvalidByte(in text: [UInt8]) -> Int? {
    text.withUnsafeBufferPointer { firstInvalidByte(in: $0) }
  }

  /// - Throws: `UserError` of kind `invalidData` that names the first byte that is not part of valid UTF-8.
  public static func requireValid(_ text: [UInt8], at place: String) throws {
    guard let byte = firstInvalidByte(in: text) else { return }
    throw UserError(
      .invalidData, at: place, "it is not valid UTF-8 (byte \(byte))", hint: "Convert it to UTF-8.")
  }

  /// Valid text: what is ill-formed is replaced by U+FFFD.
  static func replacingInvalid(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    Array(String(decoding: text, as: UTF8.self).utf8)
  }
}
