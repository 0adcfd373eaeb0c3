import Foundation

/// The physical cores this process may use: what Open MPI counts as slots.
public enum ProcessorCores {
  public static func available() -> Int {
    count(allowedThreads())
  }

  /// The physical cores of this machine, whoever may use them.
  public static func online() -> Int {
    let list = try? String(contentsOfFile: "/sys/devices/system/cpu/online", encoding: .utf8)
    return count(threads(inList: (list ?? "0").trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  private static func count(_ threads: [Int]) -> Int {
    let cores = Set(threads.map { siblings(ofThread: $0) ?? "\($0)" })
    return max(1, cores.count)
  }

  /// The hardware threads the operating system lets this process run on.
  private static func allowedThreads() -> [Int] {
    let threads = threads(inList: allowedList())
    return threads.isEmpty ? [0] : threads
  }

  /// The same as the kernel lists them, such as `0-3,8`; empty where it does not.
  static func allowedList() -> String {
    let key = "Cpus_allowed_list:"
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) })
    else { return "" }
    return line.dropFirst(key.count).trimmingCharacters(in: .whitespaces)
  }

  /// The numbers of a list such as `0-3,8,10-11`.
  static func threads(inList list: String) -> [Int] {
    list.split(separator: ",").flatMap { run -> [Int] in
      let bounds = run.split(separator: "-").compactMap { Int($0) }
      guard let first = bounds.first, let last = bounds.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// The hardware threads that share a core with this one, as the kernel lists them.
  private static func siblings(ofThread thread: Int) -> String? {
    try? String(
      contentsOfFile: "/sys/devices/system/cpu/cpu\(thread)/topology/thread_siblings_list", encoding: .utf8)
  }
}
