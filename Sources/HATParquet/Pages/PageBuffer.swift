import Glibc
import HATStorage

/// Memory that is used again for one page after the other.
final class PageBuffer {
  private(set) var base: UnsafeMutableRawPointer
  private var capacity: Int

  init() {
    capacity = 1 << 12
    base = LargeMemory.allocate(byteCount: capacity, alignment: 64)
  }

  deinit { free(base) }

  /// - Parameter count: of bytes at the start that stay as they are.
  func makeRoom(_ bytes: Int, keeping count: Int = 0) {
    guard bytes > capacity else { return }
    // By half as much again, so that growing pages do not make it allocate each time. What is not written takes no memory.
    let larger = bytes + bytes / 2
    let memory = LargeMemory.allocate(byteCount: larger, alignment: 64)
    memcpy(memory, base, count)
    free(base)
    (base, capacity) = (memory, larger)
  }
}
