import Foundation

/// What commands print on standard output: text for people, or one JSON object a line.
enum Report {
  /// One result as a line of JSON, keys in snake case and sorted.
  static func json(_ result: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(result), as: UTF8.self))
  }

  /// Columns lined up: the first to the left, the others to the right.
  static func table(_ rows: [[String]]) {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    for row in rows {
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }
      print("  " + cells.joined(separator: "  "))
    }
  }

  /// 1234567 as "1.23 M"; in steps of a thousand.
  static func count(_ value: Double) -> String {
    scaled(value, step: 1000, units: ["", " k", " M", " G", " T", " P"])
  }

  /// Bytes as "1.50 GiB"; in steps of 1024.
  static func bytes(_ value: Int) -> String {
    scaled(Double(value), step: 1024, units: [" B", " KiB", " MiB", " GiB", " TiB", " PiB"])
  }

  private static func scaled(_ value: Double, step: Double, units: [String]) -> String {
    var (value, unit) = (value, 0)
    while value >= step && unit + 1 < units.count {
      value /= step
      unit += 1
    }
    return (unit == 0 ? String(Int(value)) : String(format: "%.2f", value)) + units[unit]
  }
}
