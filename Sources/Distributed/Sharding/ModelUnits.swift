/// The flat buffer cut where a model's use of it is cut: what is used one block at a time, and what stands before and
/// behind that.
struct ModelUnits: Sendable, Equatable {
  let front: Range<Int>
  /// Behind each other.
  let blocks: [Range<Int>]
  let back: Range<Int>

  init(count: Int, blocks: [Range<Int>]) {
    front = 0..<(blocks.first?.lowerBound ?? count)
    self.blocks = blocks
    back = (blocks.last?.upperBound ?? count)..<count
  }

  var count: Int { back.upperBound }

  /// In ascending order.
  var all: [Range<Int>] { [front] + blocks + [back] }

  /// Floats of a buffer that holds front, back, and one block at a time.
  var workingCount: Int { front.count + back.count + (blocks.map(\.count).max() ?? 0) }
}

/// Front, back, and room for one block behind each other, as parts of a flat buffer: each pointer is one to which the
/// flat buffer's offsets are added.
struct WorkingUnits {
  let units: ModelUnits
  let base: UnsafeMutablePointer<Float>

  var front: UnsafeMutablePointer<Float> { base }
  var back: UnsafeMutablePointer<Float> { base + (units.front.count - units.back.lowerBound) }

  func block(_ block: Int) -> UnsafeMutablePointer<Float> {
    base + (units.front.count + units.back.count - units.blocks[block].lowerBound)
  }
}
