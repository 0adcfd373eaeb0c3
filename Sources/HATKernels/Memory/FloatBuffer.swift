import Glibc
import HATStorage

/// Floats that somebody else owns. The function that takes the pointer says how many there are, and their shape.
public typealias FloatPointer = UnsafeMutablePointer<Float>

/// A buffer of floats that never moves and is freed with its object.
///
/// It is aligned to a cache line, or to a page if it is at least a page long: vectors never straddle a line, and whole
/// pages can be handed to the operating system. The owner ensures that no two threads write the same floats at once. Where
/// there is no memory for it, the process ends (`LargeMemory`).
public final class FloatBuffer: @unchecked Sendable {
  public let base: FloatPointer
  public let count: Int
  private let release: () -> Void

  /// A buffer of zeros. Every page is touched here, so that the first step does not pay for it.
  public init(zeroed count: Int) {
    precondition(count >= 0)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let alignment = byteCount >= FloatBuffer.pageSize ? FloatBuffer.pageSize : FloatBuffer.cacheLineSize
    let memory = LargeMemory.allocate(byteCount: byteCount, alignment: alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    release = { free(memory) }
  }

  /// A buffer of zeros of which only the pages that are written take memory. It serves an owner that keeps only some
  /// ranges of a long layout.
  public init(reserving count: Int) {
    precondition(count >= 0)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let memory = LargeMemory.reserve(byteCount: byteCount)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    release = { munmap(memory, byteCount) }
  }

  /// Part of a larger piece of memory, which `owner` keeps alive.
  public init(_ base: FloatPointer, count: Int, ownedBy owner: AnyObject) {
    self.base = base
    self.count = count
    release = { withExtendedLifetime(owner) {} }
  }

  deinit {
    release()
  }

  public var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }

  private static let cacheLineSize = 64
  private static let pageSize = 4096
}
