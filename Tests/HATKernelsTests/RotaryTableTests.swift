import Foundation
import HATKernels
import Testing

@Suite struct RotaryTableTests {
  static let shapes = [(2, 1), (6, 3), (16, 2), (20, 1), (64, 2)]
  static let lengths = [1, 5, 0, 3, 9]

  private func reference(_ x: [[Double]], headSize: Int, heads: Int, sign: Double) -> [[Double]] {
    let positions = Self.lengths.flatMap { 0..<$0 }
    return zip(x, positions).map { row, position in
      var result = row
      for head in 0..<heads {
        for j in 0..<headSize / 2 {
          let angle = sign * Double(position) * pow(10_000, -2 * Double(j) / Double(headSize))
          let (first, second) = (head * headSize + j, head * headSize + j + headSize / 2)
          result[first] = row[first] * cos(angle) - row[second] * sin(angle)
          result[second] = row[second] * cos(angle) + row[first] * sin(angle)
        }
      }
      return result
    }
  }

  @Test(arguments: shapes)
  func pairsTurnByTheirPositionInTheSegment(headSize: Int, heads: Int) {
    var generator = SeededGenerator(seed: 13)
    let table = RotaryTable(headSize: headSize, theta: 10_000, positions: 9)
    table.prepare(9)
    let x = TestMatrix(random: 18, heads * headSize, gap: 2, using: &generator)
    let start = x.doubles
    withSegments(Self.lengths) { table.rotate(x.view, heads: heads, segments: $0) }
    #expect(largestError(x, reference(start, headSize: headSize, heads: heads, sign: 1)) < 1e-6)
    withSegments(Self.lengths) { table.rotateBack(x.view, heads: heads, segments: $0) }
    #expect(largestError(x, start) < 1e-6)
    withSegments(Self.lengths) { table.rotateBack(x.view, heads: heads, segments: $0) }
    #expect(largestError(x, reference(start, headSize: headSize, heads: heads, sign: -1)) < 1e-6)
    #expect(x.isIntactOutside)
  }

  /// A checkpoint may claim sequences of any length.
  @Test func positionsThatAreNotUsedTakeNoMemory() {
    let table = RotaryTable(headSize: 64, theta: 10_000, positions: 1 << 40)
    #expect(table.prepared == 0)
    let short = RotaryTable(headSize: 64, theta: 10_000, positions: 5)
    short.prepare(2)
    short.prepare(5)
    let whole = RotaryTable(headSize: 64, theta: 10_000, positions: 1000)
    whole.prepare(5)
    #expect(short.prepared == 5 && whole.prepared == 5)
    let (x, y) = (
      TestMatrix(5, 64) { _, column in Float(column) }, TestMatrix(5, 64) { _, column in Float(column) }
    )
    withSegments([5]) { short.rotate(x.view, heads: 1, segments: $0) }
    withSegments([5]) { whole.rotate(y.view, heads: 1, segments: $0) }
    #expect(x.doubles == y.doubles)
  }

  @Test func distantPositionsKeepTheirPrecision() {
    let table = RotaryTable(headSize: 4, theta: 10_000, positions: 100_001)
    table.prepare(100_001)
    let x = TestMatrix(100_001, 4) { _, column in column < 2 ? 1 : 0 }
    withSegments([100_001]) { table.rotate(x.view, heads: 1, segments: $0) }
    #expect(abs(Double(x[100_000, 0]) - cos(100_000)) < 1e-7)
    #expect(abs(Double(x[100_000, 2]) - sin(100_000)) < 1e-7)
  }
}
