import Foundation

/// What this machine's processor has, by the names of /proc/cpuinfo.
enum ProcessorFlags {
  private static let all: Set<Substring> = {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    return Set(line.split(separator: " "))
  }()

  static func contain(_ flag: Substring) -> Bool { all.contains(flag) }
}
