import CSIMD

/// Eight floats, one AVX2 register.
typealias Lanes = SIMD8<Float>

extension Lanes {
  /// The eight floats at `pointer`, which needs no alignment.
  @inline(__always)
  init(at pointer: UnsafePointer<Float>) {
    self = hat_load(pointer)
  }

  /// The first `count` floats at `pointer` and zeros; reads nothing behind them.
  @inline(__always)
  init(at pointer: UnsafePointer<Float>, first count: Int) {
    self = hat_load_first(pointer, Int32(truncatingIfNeeded: count))
  }

  @inline(__always)
  func store(at pointer: FloatPointer) {
    hat_store(pointer, self)
  }

  /// Stores the first `count` lanes and touches nothing behind them.
  @inline(__always)
  func store(at pointer: FloatPointer, first count: Int) {
    hat_store_first(pointer, self, Int32(truncatingIfNeeded: count))
  }

  /// Eight times the float at `pointer`.
  @inline(__always)
  init(repeatingAt pointer: UnsafePointer<Float>) {
    self.init(repeating: pointer.pointee)
  }

  /// This · factor + addend, rounded once.
  @inline(__always)
  func times(_ factor: Lanes, plus addend: Lanes) -> Lanes {
    hat_fma(self, factor, addend)
  }

  /// The sum of the lanes, in a fixed order.
  @inline(__always)
  var total: Float { hat_sum(self) }

  @inline(__always)
  var largest: Float { hat_largest(self) }

  /// The first `count` lanes, `fill` in the others.
  @inline(__always)
  func keeping(first count: Int, otherwise fill: Lanes) -> Lanes {
    hat_keep_first(self, Int32(truncatingIfNeeded: count), fill)
  }

  /// `fill` in the first `count` lanes, this in the others; `count` may be negative or beyond 8.
  @inline(__always)
  func replacing(first count: Int, with fill: Lanes) -> Lanes {
    fill.keeping(first: count, otherwise: self)
  }
}

/// `count` rounded up to whole registers.
@inline(__always)
func paddedToLanes(_ count: Int) -> Int {
  (count + 7) & ~7
}
