import ArgumentParser

/// A size in bytes on the command line: `4096`, `64KiB`, `64MiB`, `2GiB`, also `kB`, `MB`, `GB`.
struct ByteSize: ExpressibleByArgument {
  var bytes: Int

  private static let units = [
    "": 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
  ]

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), let unit = Self.units[String(argument.dropFirst(digits.count))] else {
      return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  init(bytes: Int) {
    self.bytes = bytes
  }

  var defaultValueDescription: String {
    bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : "\(bytes)"
  }
}
