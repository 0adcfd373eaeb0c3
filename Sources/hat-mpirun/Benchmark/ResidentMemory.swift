import Foundation
import Glibc

/// What of a rank's memory is in the machine's.
enum ResidentMemory {
  /// The most there was at once, in bytes, with pages that several ranks have divided by their number.
  ///
  /// A step frees nothing, so that what is shared now was shared at the peak. Other ranks must be there still.
  static func peak() throws -> Int {
    let rollup = try String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let countedForOthers = kibibytes(of: "Rss", in: rollup) - kibibytes(of: "Pss", in: rollup)
    return (usage.ru_maxrss - countedForOthers) * 1024
  }

  private static func kibibytes(of name: String, in rollup: String) -> Int {
    let line = rollup.split(separator: "\n").first { $0.hasPrefix("\(name):") }
    guard let value = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      preconditionFailure("the kernel says how much of a process's memory is \(name)")
    }
    return value
  }
}
