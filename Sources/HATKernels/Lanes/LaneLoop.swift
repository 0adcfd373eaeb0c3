/// Loops over ranges of floats in registers of eight.
///
/// The last register may be partial: loads then give zeros behind the end and stores leave it alone. Full and
/// partial registers run the same operations, so an element's result does not depend on where it lies.
enum LaneLoop {
  /// Calls `body(offset, lanes)` for each register of `count` floats, `lanes` being 8 or, at the end, fewer.
  @inline(__always)
  static func forEach(_ count: Int, _ body: (_ offset: Int, _ access: LaneAccess) -> Void) {
    forEach(0..<count, body)
  }

  /// The same for the floats of a range.
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

/// How many lanes of a register lie inside the range a kernel works on.
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
