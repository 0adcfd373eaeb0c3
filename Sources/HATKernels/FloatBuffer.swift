import Glibc

/// Floats with an owner: never moved, freed with the object.
///
/// Aligned to a cache line, and to a page from a page on, so that vectors never straddle a line and whole
/// pages can be handed to the operating system.
///
/// The owner sees to it that no two threads write the same floats at once.
public final class FloatBuffer: @unchecked Sendable {
  public let base: UnsafeMutablePointer<Float>
  public let count: Int
  private let release: () -> Void

  /// Zeros. Every page is touched here, not in the first step.
  public init(zeroed count: Int) {
    precondition(count >= 0)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let alignment = byteCount >= FloatBuffer.pageSize ? FloatBuffer.pageSize : FloatBuffer.cacheLineSize
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    release = { memory.deallocate() }
  }

  /// Addresses for `count` floats, zeros, of which only the pages that are written to take memory: a buffer of the
  /// parameters' layout of which its owner keeps some ranges.
  public init(reserving count: Int) {
    precondition(count >= 0)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      fatalError("the operating system gives no addresses for \(byteCount) bytes (see ulimit -v)")
    }
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    release = { munmap(memory, byteCount) }
  }

  /// Floats of a larger piece of memory, which `owner` keeps.
  public init(_ base: FloatPointer, count: Int, ownedBy owner: AnyObject) {
    self.base = base
    self.count = count
    release = { withExtendedLifetime(owner) {} }
  }

  deinit {
    release()
  }

  private static let cacheLineSize = 64
  private static let pageSize = 4096
}

extension FloatBuffer {
  public var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }
}
