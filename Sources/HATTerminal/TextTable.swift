/// Rows of text in columns, on standard output.
package enum TextTable {
  package enum Alignment { case left, right }

  /// - Parameter alignment: of the first columns; the others are aligned as the last of these.
  package static func show(_ rows: [[String]], _ alignment: [Alignment] = [.left, .right]) {
    for line in lines(rows, alignment) { print(line) }
  }

  package static func lines(_ rows: [[String]], _ alignment: [Alignment] = [.left, .right]) -> [String] {
    let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        switch alignment[min(column, alignment.count - 1)] {
        case .left: return column == row.count - 1 ? cell : cell + padding
        case .right: return padding + cell
        }
      }
      return "  " + cells.joined(separator: "  ")
    }
  }

  /// The words of a text on lines of so many characters; a longer word has a line of its own.
  package static func wrapped(_ text: String, width: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      if !lines.last!.isEmpty && lines.last!.count + 1 + word.count > width { lines.append("") }
      lines[lines.count - 1] += (lines.last!.isEmpty ? "" : " ") + word
    }
    return lines
  }
}

/// A paragraph of words, on standard output.
package enum Paragraph {
  package static func show(_ text: String) {
    for line in lines(text, width: Terminal.outputWidth) { print(line) }
  }

  /// The text in lines of at most `width` characters, unless a word is longer; all but the first are set in.
  package static func lines(_ text: String, width: Int) -> [String] {
    text.split(separator: " ").reduce(into: [String]()) { lines, word in
      let first = lines.isEmpty
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append((first ? "  " : "    ") + word)
      }
    }
  }
}

/// A bar of a chart made of characters.
package enum Bar {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// - Parameter length: in characters, shown to an eighth; more than 0 is never shown as nothing.
  package static func show(_ length: Double) -> String {
    let parts = length > 0 ? max(1, Int((length * 8).rounded())) : 0
    return String(repeating: "█", count: parts / 8) + eighths[parts % 8]
  }
}
