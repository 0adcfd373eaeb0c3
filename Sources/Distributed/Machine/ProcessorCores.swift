/// The physical cores this process may use: what Open MPI counts as slots.
public enum ProcessorCores {
  public static func available() -> Int { max(1, allowedCores().count) }

  /// All physical cores of this machine, also those this process may not use.
  public static func online() -> Int {
    let list = KernelFile.text("/sys/devices/system/cpu/online") ?? "0"
    return max(1, cores(ofThreads: threads(inList: list)).count)
  }

  /// The physical cores this process may run on, each named by its first hardware thread.
  static func allowedCores() -> Set<Int> { cores(ofThreads: threads(inList: allowedList())) }

  /// A hardware thread of each physical core this process may run on, in their order; at least one.
  package static func oneThreadEach() -> [Int] {
    let threads = oneOfEachCore(threads(inList: allowedList()), siblings: siblings(ofThread:))
    return threads.isEmpty ? [0] : threads
  }

  /// The first of the threads on each core.
  /// - Parameter siblings: the threads on the core of one, itself among them.
  static func oneOfEachCore(_ threads: [Int], siblings: (Int) -> [Int]) -> [Int] {
    var cores: Set<Int> = []
    return threads.filter { cores.insert(siblings($0).min() ?? $0).inserted }
  }

  /// The hardware threads this process may run on, as the kernel lists them: `0-3,8`; empty where it does not.
  static func allowedList() -> String {
    let key = "Cpus_allowed_list:"
    let line = KernelFile.lines("/proc/self/status").first { $0.hasPrefix(key) }
    return line.map { KernelFile.trimmed($0.dropFirst(key.count)) } ?? ""
  }

  /// The numbers of a list such as `0-3,8,10-11`.
  static func threads(inList list: String) -> [Int] {
    list.split(separator: ",").flatMap { run -> [Int] in
      let bounds = run.split(separator: "-").compactMap { Int($0) }
      guard let first = bounds.first, let last = bounds.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  private static func cores(ofThreads numbers: [Int]) -> Set<Int> {
    Set(numbers.map { siblings(ofThread: $0).min() ?? $0 })
  }

  /// The hardware threads that share a core with this one; none where the kernel does not say.
  private static func siblings(ofThread number: Int) -> [Int] {
    let list = KernelFile.text("/sys/devices/system/cpu/cpu\(number)/topology/thread_siblings_list")
    return threads(inList: list ?? "")
  }
}
