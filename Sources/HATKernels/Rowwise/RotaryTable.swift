import CSIMD
import Glibc

/// Rotary position embedding in the rotate-half layout: elements j and j + headSize/2 of a head are a pair, which turns by
/// the angle position · theta^(-2j / headSize) (docs/model.md §4).
///
/// It never changes after `init`, so threads may share it.
public final class RotaryTable: @unchecked Sendable {
  public let headSize: Int
  public let positions: Int
  private let half: Int
  /// [positions, headSize / 2] each.
  private let cosines: FloatPointer
  private let sines: FloatPointer

  /// - Parameters:
  ///   - headSize: even
  ///   - theta: the base of the wave lengths
  ///   - positions: one more than the largest position
  public init(headSize: Int, theta: Double, positions: Int) {
    precondition(headSize >= 2 && headSize % 2 == 0 && theta > 0 && positions >= 0)
    self.headSize = headSize
    self.positions = positions
    half = headSize / 2
    cosines = .allocate(capacity: positions * half)
    sines = .allocate(capacity: positions * half)
    for position in 0..<positions {
      for j in 0..<half {
        let angle = Double(position) * pow(theta, -2 * Double(j) / Double(headSize))
        cosines[position * half + j] = Float(cos(angle))
        sines[position * half + j] = Float(sin(angle))
      }
    }
  }

  deinit {
    cosines.deallocate()
    sines.deallocate()
  }

  /// Turns every head of x [R, heads · headSize] by its row's position in its segment, in place.
  public func rotate(_ x: MatrixView, heads: Int, segments: Segments) {
    turn(x, heads: heads, segments: segments, direction: 1)
  }

  /// Turns back by the same angles, in place. This is the transpose of `rotate`, and so its gradient.
  public func rotateBack(_ x: MatrixView, heads: Int, segments: Segments) {
    turn(x, heads: heads, segments: segments, direction: -1)
  }

  /// Turns every head of the single row x [1, heads · headSize] by one position, in place.
  public func rotate(_ x: MatrixView, heads: Int, position: Int) {
    precondition(x.rows == 1 && x.columns == heads * headSize && (0..<positions).contains(position))
    turnRow(x.base, heads: heads, position: position, direction: Lanes(repeating: 1))
  }

  private func turn(_ x: MatrixView, heads: Int, segments: Segments, direction: Float) {
    precondition(x.columns == heads * headSize)
    let direction = Lanes(repeating: direction)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      precondition(rows.count <= positions && rows.upperBound <= x.rows)
      for row in rows {
        turnRow(x.row(row), heads: heads, position: row - rows.lowerBound, direction: direction)
      }
    }
  }

  @inline(__always)
  private func turnRow(_ row: FloatPointer, heads: Int, position: Int, direction: Lanes) {
    let (cosine, sine) = (cosines + position * half, sines + position * half)
    for head in 0..<heads {
      let first = row + head * headSize
      let second = first + half
      LaneLoop.forEach(half) { offset, access in
        let (c, s) = (access.load(cosine + offset), access.load(sine + offset) * direction)
        let (a, b) = (access.load(first + offset), access.load(second + offset))
        access.store(a.times(c, plus: Lanes() - b * s), first + offset)
        access.store(b.times(c, plus: a * s), second + offset)
      }
    }
  }
}
