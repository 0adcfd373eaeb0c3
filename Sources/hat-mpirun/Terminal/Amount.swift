import Foundation

/// Numbers as people read them.
enum Amount {
  /// Such as `1.5 MB`.
  static func bytes(_ count: Int) -> String {
    var (value, units) = (Double(count), ["B", "kB", "MB", "GB", "TB", "PB"][...])
    while value >= 1000 && units.count > 1 {
      value /= 1000
      units = units.dropFirst()
    }
    return units.startIndex == 0 ? "\(count) B" : "\(fixed(value, value < 100 ? 1 : 0)) \(units.first!)"
  }

  /// Such as `1,234,567`.
  static func grouped(_ count: Int) -> String {
    var digits = String(abs(count))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits = String(digits.dropLast(3))
    }
    return (count < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  static func fixed(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }
}
