import HATStorage

/// Which documents count as the same, so that only the first of them is kept.
public enum DuplicateRule: String, Sendable, CaseIterable {
  /// Those with the same text, byte for byte.
  case exact
  /// Those with nearly the same words (`MinHash`).
  case near

  /// How many integers are kept of each document to compare it by.
  var signatureWords: Int {
    switch self {
    case .exact: ContentHash.byteCount / 8
    case .near: MinHash.bands
    }
  }
}

/// What preprocessing is told to do about duplicates: in JSON false for nothing, true for exact ones, or "near".
extension DuplicateRule {
  static func decode<Key>(from values: KeyedDecodingContainer<Key>, forKey key: Key) throws
    -> DuplicateRule?
  {
    if let isOn = try? values.decode(Bool.self, forKey: key) { return isOn ? .exact : nil }
    let name = try values.decode(String.self, forKey: key)
    guard let rule = DuplicateRule(rawValue: name) else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values, debugDescription: "\(name) is no kind of duplicates")
    }
    return rule
  }

  static func encode<Key>(
    _ rule: DuplicateRule?, to values: inout KeyedEncodingContainer<Key>, forKey key: Key
  ) throws {
    if rule == .near { return try values.encode(DuplicateRule.near.rawValue, forKey: key) }
    try values.encode(rule != nil, forKey: key)
  }
}
