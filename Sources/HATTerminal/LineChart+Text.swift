extension LineChart {
  /// The chart in characters: curves in Braille, whose letters have eight dots, and marks of their own on the curves that have names.
  /// - Parameter width: of a line, in characters.
  package func lines(width: Int, height: Int = 14) -> [String] {
    let ticks = y.ticks(max(2, height / 2))
    let labels = y.labels(ticks)
    let margin = (labels.map(\.count).max() ?? 0) + 2
    let columns = max(16, width - margin - 3)
    var canvas = DotCanvas(columns: columns, rows: height)
    for curve in curves { draw(curve, on: &canvas) }
    for (number, curve) in curves.enumerated() { mark(curve, number, on: &canvas) }

    var lines = ["  \(title)"]
    let rows = ticks.map { canvas.row(y.place($0)) }
    for row in 0..<height {
      let label = rows.firstIndex(of: row).map { labels[$0] } ?? ""
      let padding = String(repeating: " ", count: margin - label.count)
      lines.append(padding + label + (label.isEmpty ? " │" : " ┤") + canvas.text(ofRow: row))
    }
    lines.append(String(repeating: " ", count: margin + 1) + "└" + String(repeating: "─", count: columns))
    lines.append(horizontalLabels(margin: margin + 2, columns: columns))
    return lines + legend(width: width)
  }

  private func draw(_ curve: Curve, on canvas: inout DotCanvas) {
    for (from, to) in zip(curve.points, curve.points.dropFirst()) {
      canvas.line((x.place(from.x), y.place(from.y)), (x.place(to.x), y.place(to.y)))
    }
    if curve.points.count == 1, let only = curve.points.first {
      canvas.line((x.place(only.x), y.place(only.y)), (x.place(only.x), y.place(only.y)))
    }
  }

  /// The letter of a curve that has a name of its own in the legend.
  private func letter(_ number: Int) -> Character? {
    let marked = curves.filter(\.isMarked)
    guard curves[number].isMarked else { return nil }
    if marked.count == 1 { return "o" }
    let place = curves[...number].filter(\.isMarked).count - 1
    return Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(place % 26)))
  }

  /// At most every few columns; curves that lie on each other have theirs in different ones.
  private func mark(_ curve: Curve, _ number: Int, on canvas: inout DotCanvas) {
    guard let letter = letter(number) else { return }
    let spacing = max(4, 2 * curves.count)
    var next = 2 * number
    for (index, point) in curve.points.enumerated() {
      let column = canvas.column(x.place(point.x))
      guard column >= next || index + 1 == curve.points.count else { continue }
      next = column + spacing
      canvas.write(letter, column: column, row: canvas.row(y.place(point.y)))
    }
  }

  /// As many as have room, and what they count at the end.
  private func horizontalLabels(margin: Int, columns: Int) -> String {
    let ticks = x.ticks(columns / 12)
    var line = Array(repeating: Character(" "), count: margin + columns)
    let name = Array(" " + axis)
    line.replaceSubrange(max(0, line.count - name.count)..<line.count, with: name.suffix(line.count))
    let end = line.count - name.count
    var free = 0
    for (tick, label) in zip(ticks, x.labels(ticks)) {
      let center = margin + Int(x.place(tick) * Double(columns - 1))
      let start = max(0, center - label.count / 2)
      guard start >= free, start + label.count < end else { continue }
      line.replaceSubrange(start..<start + label.count, with: Array(label))
      free = start + label.count + 1
    }
    return String(line)
  }

  private func legend(width: Int) -> [String] {
    guard curves.count > 1 || curves.contains(where: \.isMarked) else { return [] }
    return curves.indices.map { number in
      "  \(letter(number).map(String.init) ?? "⠒") \(curves[number].name)"
    }.map { $0.count > width ? String($0.prefix(max(0, width - 1))) + "…" : $0 }
  }
}

/// Characters of two by four dots each, among which letters may stand.
private struct DotCanvas {
  let columns: Int
  let rows: Int
  private var dots: [UInt8]
  private var letters: [Character?]

  /// Of a Braille character, from above: the left column, then the right.
  private static let bits: [[UInt8]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]

  init(columns: Int, rows: Int) {
    (self.columns, self.rows) = (columns, rows)
    dots = Array(repeating: 0, count: columns * rows)
    letters = Array(repeating: nil, count: columns * rows)
  }

  func column(_ place: Double) -> Int { dot(place, 2 * columns) / 2 }

  /// Counted from above.
  func row(_ place: Double) -> Int { dot(1 - place, 4 * rows) / 4 }

  private func dot(_ place: Double, _ count: Int) -> Int {
    min(count - 1, max(0, Int((place * Double(count - 1)).rounded())))
  }

  mutating func line(_ from: (Double, Double), _ to: (Double, Double)) {
    let (x0, x1) = (dot(from.0, 2 * columns), dot(to.0, 2 * columns))
    let (y0, y1) = (dot(1 - from.1, 4 * rows), dot(1 - to.1, 4 * rows))
    let steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    for step in 0...steps {
      let part = Double(step) / Double(steps)
      let x = x0 + Int((part * Double(x1 - x0)).rounded())
      let y = y0 + Int((part * Double(y1 - y0)).rounded())
      dots[y / 4 * columns + x / 2] |= Self.bits[x % 2][y % 4]
    }
  }

  mutating func write(_ letter: Character, column: Int, row: Int) { letters[row * columns + column] = letter }

  func text(ofRow row: Int) -> String {
    var text = ""
    for index in row * columns..<(row + 1) * columns {
      if let letter = letters[index] {
        text.append(letter)
      } else {
        text.append(dots[index] == 0 ? " " : Character(UnicodeScalar(0x2800 + UInt32(dots[index]))!))
      }
    }
    while text.last == " " { text.removeLast() }
    return text
  }
}
