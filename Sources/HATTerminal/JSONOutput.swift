import HATStorage

/// The `--json` output: one object a line on standard output, keys in snake_case and sorted.
package enum JSONOutput {
  /// - Throws: `UserError` of kind `cannotWrite`.
  package static func print(_ value: some Encodable) throws {
    try StandardOutput.write(JSONFile.encoded(value) + [0x0A])
  }

  /// A string as a JSON literal with its quotes, in which nothing invisible stays unescaped.
  package static func literal(_ bytes: some Sequence<UInt8>) -> String {
    var text = "\""
    for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
      text += escaped(scalar)
    }
    return text + "\""
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": return "\\\""
    case "\\": return "\\\\"
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    case " ": return " "
    default: break
    }
    let isVisible = !scalar.properties.isWhitespace && !isInvisible(scalar.properties.generalCategory)
    return isVisible ? String(scalar) : codeUnits(scalar)
  }

  private static func isInvisible(_ category: Unicode.GeneralCategory) -> Bool {
    switch category {
    case .control, .format, .surrogate, .privateUse, .unassigned, .nonspacingMark, .enclosingMark: true
    default: false
    }
  }

  private static func codeUnits(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }
}
