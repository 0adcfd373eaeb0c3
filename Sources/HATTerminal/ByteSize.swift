import ArgumentParser

/// A size in bytes on the command line, at least one: `4096`, `64KiB`, `64MiB`, `2GiB`, also `kB`, `MB`, `GB`.
package struct ByteSize: ExpressibleByArgument {
  /// What help calls it.
  package static let valueName = "size"
  static let form =
    "A size is a number with a unit, such as 64MiB or 24GB. Without one it is in bytes, \(leastWithoutUnit) or more."
  /// Whoever writes 24 does not mean bytes.
  private static let leastWithoutUnit = 1024

  package var bytes: Int

  private static let units = [
    "": 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
  ]

  package init(bytes: Int) { self.bytes = bytes }

  package init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), let unit = Self.units[String(argument.dropFirst(digits.count))] else {
      return nil
    }
    guard digits.count < argument.count || number >= Self.leastWithoutUnit else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow, bytes > 0 else { return nil }
    self.bytes = bytes
  }

  package var defaultValueDescription: String {
    for (shift, unit) in [(20, "MiB"), (10, "KiB")] where bytes % (1 << shift) == 0 {
      return "\(bytes >> shift)\(unit)"
    }
    return "\(bytes)"
  }
}
