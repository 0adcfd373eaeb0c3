import CSIMD
import Glibc

/// Rotary position embedding in the rotate-half layout: elements j and j + headSize/2 of a head are a pair, which turns by
/// the angle position · theta^(-2j / headSize) (docs/model.md §4).
///
/// Rows are computed when they are first needed, so that a long sequence that nobody uses takes no memory. Threads may share
/// the rows that are prepared.
public final class RotaryTable: @unchecked Sendable {
  public let headSize: Int
  public let positions: Int
  private let half: Int
  /// theta^(-2j / headSize) for each j below headSize / 2.
  private let frequencies: [Double]
  /// Positions that are computed.
  public private(set) var prepared = 0
  /// [2, positions, headSize / 2]: cosines, then sines.
  private var storage: FloatBuffer?

  /// - Parameters:
  ///   - headSize: even
  ///   - theta: the base of the wave lengths
  ///   - positions: one more than the largest position
  public init(headSize: Int, theta: Double, positions: Int) {
    precondition(headSize >= 2 && headSize % 2 == 0 && theta > 0 && positions >= 0)
    self.headSize = headSize
    self.positions = positions
    half = headSize / 2
    frequencies = (0..<half).map { pow(theta, -2 * Double($0) / Double(headSize)) }
  }

  /// Computes the rows of the first `count` positions, at most `positions`. No other thread may use the table meanwhile.
  public func prepare(_ count: Int) {
    guard count > prepared else { return }
    precondition(count <= positions)
    let storage = storage ?? FloatBuffer(reserving: 2 * positions * half)
    self.storage = storage
    let (cosines, sines) = (storage.base, storage.base + positions * half)
    for position in prepared..<count {
      for j in 0..<half {
        let angle = Double(position) * frequencies[j]
        cosines[position * half + j] = Float(cos(angle))
        sines[position * half + j] = Float(sin(angle))
      }
    }
    prepared = count
  }

  /// Turns every head of x [R, heads · headSize] by its row's position in its segment, which must be prepared, in place.
  public func rotate(_ x: MatrixView, heads: Int, segments: Segments) {
    turn(x, heads: heads, segments: segments, direction: 1)
  }

  /// Turns back by the same angles, in place. This is the transpose of `rotate`, and so its gradient.
  public func rotateBack(_ x: MatrixView, heads: Int, segments: Segments) {
    turn(x, heads: heads, segments: segments, direction: -1)
  }

  /// Turns every head of the single row x [1, heads · headSize] by one position, which must be prepared, in place.
  public func rotate(_ x: MatrixView, heads: Int, position: Int) {
    precondition(x.rows == 1 && x.columns == heads * headSize && (0..<prepared).contains(position))
    turnRow(x.base, heads: heads, cosine: cosines(position), direction: Lanes(repeating: 1))
  }

  private func turn(_ x: MatrixView, heads: Int, segments: Segments, direction: Float) {
    precondition(x.columns == heads * headSize)
    let direction = Lanes(repeating: direction)
    guard prepared > 0 else {
      precondition(segments.longest == 0)
      return
    }
    let first = cosines(0)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      precondition(rows.count <= prepared && rows.upperBound <= x.rows)
      for row in rows {
        turnRow(
          x.row(row), heads: heads, cosine: first + (row - rows.lowerBound) * half, direction: direction)
      }
    }
  }

  /// [headSize / 2], of a prepared position.
  private func cosines(_ position: Int) -> FloatPointer { storage!.base + position * half }

  @inline(__always)
  private func turnRow(_ row: FloatPointer, heads: Int, cosine: FloatPointer, direction: Lanes) {
    let sine = cosine + positions * half
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
