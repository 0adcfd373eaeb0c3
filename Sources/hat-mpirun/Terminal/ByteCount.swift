import ArgumentParser

/// A number of bytes as users write it: 1000, 64KiB, 24GiB, 1.5GB.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
  let bytes: Int

  init(_ bytes: Int) {
    self.bytes = bytes
  }

  init?(argument: String) {
    let digits = argument.prefix { $0.isNumber || $0 == "." }
    let unit = argument.dropFirst(digits.count).trimmingPrefix(" ")
    guard let value = Double(digits), let factor = Self.units[String(unit)] else { return nil }
    let bytes = value * factor
    guard bytes >= 0, bytes < 0x1p62 else { return nil }
    self.bytes = Int(bytes)
  }

  var description: String { defaultValueDescription }
  var defaultValueDescription: String { Report.bytes(bytes).filter { $0 != " " } }

  private static let units: [String: Double] = [
    "": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 0x1p10, "MiB": 0x1p20, "GiB": 0x1p30, "TiB": 0x1p40,
  ]
}
