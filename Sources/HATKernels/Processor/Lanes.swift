import CSIMD

/// Eight floats: one AVX2 register.
typealias Lanes = SIMD8<Float>

extension Lanes {
  /// The eight floats at `pointer`, which needs no alignment.
  @inline(__always)
  init(at pointer: UnsafePointer<Float>) {
    self = hat_load(pointer)
  }

  /// The first `count` floats at `pointer`, then zeros. Memory behind those floats is not read.
  @inline(__always)
  init(at pointer: UnsafePointer<Float>, first count: Int) {
    self = hat_load_first(pointer, Int32(truncatingIfNeeded: count))
  }

  @inline(__always)
  func store(at pointer: FloatPointer) {
    hat_store(pointer, self)
  }

  /// Stores the first `count` lanes. Memory behind them is not touched.
  @inline(__always)
  func store(at pointer: FloatPointer, first count: Int) {
    hat_store_first(pointer, self, Int32(truncatingIfNeeded: count))
  }

  /// The float at `pointer` in all lanes.
  @inline(__always)
  init(repeatingAt pointer: UnsafePointer<Float>) {
    self.init(repeating: pointer.pointee)
  }

  /// self · factor + addend, rounded once.
  @inline(__always)
  func times(_ factor: Lanes, plus addend: Lanes) -> Lanes {
    hat_fma(self, factor, addend)
  }

  /// The sum of the lanes, in a fixed order.
  @inline(__always)
  var total: Float { hat_sum(self) }

  @inline(__always)
  var largest: Float { hat_largest(self) }

  /// The first `count` lanes, and `fill` in the others.
  @inline(__always)
  func keeping(first count: Int, otherwise fill: Lanes) -> Lanes {
    hat_keep_first(self, Int32(truncatingIfNeeded: count), fill)
  }

  /// `fill` in the first `count` lanes, and these in the others; `count` may be negative or larger than 8.
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

/// Loops over floats in registers of eight.
///
/// The last register may be partial: loads then give zeros behind the end, and stores leave that memory alone. Full and
/// partial registers run the same operations, so an element's result does not depend on its place.
enum LaneLoop {
  /// Calls `body(offset, access)` for each register of `count` floats.
  @inline(__always)
  static func forEach(_ count: Int, _ body: (_ offset: Int, _ access: LaneAccess) -> Void) {
    forEach(0..<count, body)
  }

  /// The same for a range of floats.
  @inline(__always)
  static func forEach(_ range: Range<Int>, _ body: (_ offset: Int, _ access: LaneAccess) -> Void) {
    let full = range.lowerBound + (range.count & ~7)
    var offset = range.lowerBound
    while offset < full {
      body(offset, .full)
      offset += 8
    }
    if full < range.upperBound { body(full, LaneAccess(count: range.upperBound - full)) }
  }
}

/// How many lanes of a register lie inside the range that a kernel works on: 8, or fewer at the end.
struct LaneAccess {
  let count: Int

  static let full = LaneAccess(count: 8)

  @inline(__always)
  init(count: Int) { self.count = count }

  @inline(__always)
  func load(_ pointer: UnsafePointer<Float>) -> Lanes {
    count == 8 ? Lanes(at: pointer) : Lanes(at: pointer, first: count)
  }

  @inline(__always)
  func store(_ lanes: Lanes, _ pointer: FloatPointer) {
    if count == 8 { lanes.store(at: pointer) } else { lanes.store(at: pointer, first: count) }
  }
}
