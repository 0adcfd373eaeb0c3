import HATStorage

/// The field of a JSON object that holds a document's text: `text`, or `a.b` for one in an object inside.
struct JSONFieldPath: Sendable, Hashable {
  var components: [String]

  /// - Throws: `UserError` of kind `wrongUsage`.
  init(parsing text: String) throws {
    components = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard components.allSatisfy({ !$0.isEmpty }) else {
      throw UserError(
        .wrongUsage, at: "--field", "\"\(text)\" is not the name of a field",
        hint: "Write it like text, or like outer.inner for a field inside another.")
    }
  }

  var name: String { components.joined(separator: ".") }
}
