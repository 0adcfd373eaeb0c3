/// Floats with an owner: allocated once, zero, never moved, freed with the object.
///
/// Aligned to a cache line, and to a page from a page on, so that vectors never straddle a line and whole
/// pages can be handed to the operating system. Every page is touched here, not in the first step.
///
/// The owner sees to it that no two threads write the same floats at once.
public final class FloatBuffer: @unchecked Sendable {
  public let base: UnsafeMutablePointer<Float>
  public let count: Int

  public init(zeroed count: Int) {
    precondition(count >= 0)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let alignment = byteCount >= FloatBuffer.pageSize ? FloatBuffer.pageSize : FloatBuffer.cacheLineSize
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit {
    base.deallocate()
  }

  private static let cacheLineSize = 64
  private static let pageSize = 4096
}

extension FloatBuffer {
  public var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }
}
