extension DecodingError {
  /// What is wrong with the JSON, in a few words.
  package var summary: String {
    switch self {
    case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      context.codingPath.isEmpty
        ? "it is not an object"
        : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" is of the wrong type"
    case .dataCorrupted: "it is not valid JSON"
    @unknown default: "it is not what it should be"
    }
  }
}
