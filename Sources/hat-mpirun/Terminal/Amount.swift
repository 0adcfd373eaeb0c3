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

  /// Memory, such as `1.50 GiB`.
  static func memory(_ bytes: Int) -> String {
    scaled(Double(bytes), step: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
  }

  /// A large number, such as `1.23 M`.
  static func large(_ value: Double) -> String {
    scaled(value, step: 1000, units: ["", "k", "M", "G", "T", "P"])
  }

  private static func scaled(_ value: Double, step: Double, units: [String]) -> String {
    var (value, unit) = (value, 0)
    while value >= step && unit + 1 < units.count {
      value /= step
      unit += 1
    }
    let number = unit == 0 ? fixed(value, 0) : fixed(value, 2)
    return units[unit].isEmpty ? number : "\(number) \(units[unit])"
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
