import HATCore
import HATKernels

extension GradientExchange {
  /// Of one float.
  var bytes: Int {
    switch self {
    case .float32: MemoryLayout<Float>.size
    case .bf16: MemoryLayout<UInt16>.size
    }
  }

  /// Writes floats as they travel.
  func write(_ floats: UnsafePointer<Float>, into bytes: UnsafeMutableRawPointer, count: Int) {
    switch self {
    case .float32: bytes.copyMemory(from: floats, byteCount: count * self.bytes)
    case .bf16: BrainFloat.round(floats, into: bytes.assumingMemoryBound(to: UInt16.self), count: count)
    }
  }

  /// Reads floats that have travelled.
  /// - Parameter place: where they go unless they can be read where they are.
  func read(_ bytes: UnsafeRawPointer, count: Int, into place: FloatPointer) -> UnsafePointer<Float> {
    switch self {
    case .float32: return bytes.assumingMemoryBound(to: Float.self)
    case .bf16:
      BrainFloat.expand(bytes.assumingMemoryBound(to: UInt16.self), into: place, count: count)
      return UnsafePointer(place)
    }
  }
}
