import Foundation

/// Numbers as people read them.
package enum Amount {
  /// Such as `1.5 MB`.
  package static func bytes(_ count: Int) -> String { bytes(Double(count)) }

  package static func bytes(_ count: Double) -> String {
    var (value, units) = (count, ["B", "kB", "MB", "GB", "TB", "PB"][...])
    while value >= 1000 && units.count > 1 {
      value /= 1000
      units = units.dropFirst()
    }
    return units.startIndex == 0
      ? "\(fixed(count, 0)) B" : "\(fixed(value, value < 100 ? 1 : 0)) \(units.first!)"
  }

  /// Memory, such as `1.50 GiB`.
  package static func memory(_ bytes: Int) -> String { memory(Double(bytes)) }

  package static func memory(_ bytes: Double) -> String {
    scaled(bytes, step: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
  }

  /// A large number, such as `1.23 M`.
  package static func large(_ value: Double) -> String {
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
  package static func grouped(_ count: Int) -> String {
    var digits = String(abs(count))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits = String(digits.dropLast(3))
    }
    return (count < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// A number of things, such as `1 word` or `1,234 words`.
  package static func counted(_ count: Int, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// Such as `3 h 25 min`.
  package static func duration(_ seconds: Double) -> String {
    let seconds = Int(max(0, min(seconds, 1e9)))
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds / 60 % 60) min"
  }

  /// Such as `4.8e12`.
  package static func exponential(_ value: Double) -> String {
    String(format: "%.1e", value).replacing("e+", with: "e")
  }

  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }
}
