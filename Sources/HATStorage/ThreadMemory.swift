import Glibc

/// Addresses that a thread reserves, of which it hardly uses any. They count against `ulimit -v`.
public enum ThreadMemory {
  /// Of the heap that a thread gets with its first allocation (glibc: HEAP_MAX_SIZE). To align it, as much again is taken for a
  /// moment.
  public static let heapBytes = 64 << 20

  /// glibc takes this where `ulimit -s` is unlimited.
  private static let usualStackBytes = 2 << 20

  /// Of the stack of a thread that is started without a wish: `ulimit -s`.
  public static var stackBytes: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit) == 0,
      // "Unlimited" is the largest number that has no sign.
      let bytes = Int(exactly: limit.rlim_cur)
    else { return usualStackBytes }
    return bytes
  }
}
