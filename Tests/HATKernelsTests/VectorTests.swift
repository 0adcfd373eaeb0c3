import HATKernels
import Testing

@Suite struct VectorTests {
  @Test(arguments: [0, 1, 7, 8, 9, 31, 100])
  func sumsAddElementwise(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let a = TestMatrix(random: 1, count, using: &generator)
    let b = TestMatrix(random: 1, count, using: &generator)
    let c = TestMatrix(1, count)
    Vector.sum(a.pointer, b.pointer, into: c.pointer, count: count)
    #expect((0..<count).allSatisfy { c[0, $0] == a[0, $0] + b[0, $0] })
    Vector.add(a.pointer, to: c.pointer, count: count)
    #expect((0..<count).allSatisfy { c[0, $0] == a[0, $0] + b[0, $0] + a[0, $0] })
    Vector.fillZero(b.pointer, count: count)
    #expect((0..<count).allSatisfy { b[0, $0] == 0 })
    #expect(b.isIntactOutside && c.isIntactOutside)
  }

  @Test func addingInTwoPiecesGivesTheSameBits() {
    var generator = SeededGenerator(seed: 2)
    let source = TestMatrix(random: 1, 43, using: &generator)
    let start = TestMatrix(random: 1, 43, using: &generator)
    let whole = TestMatrix(copying: start)
    Vector.add(source.pointer, to: whole.pointer, count: 43)
    for cut in 0...43 {
      let pieces = TestMatrix(copying: start)
      Vector.add(source.pointer, to: pieces.pointer, count: cut)
      Vector.add(source.pointer + cut, to: pieces.pointer + cut, count: 43 - cut)
      #expect(pieces.bits == whole.bits)
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1000, 100_003])
  func sumOfSquaresIsAccurateToDoublePrecision(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let x = TestMatrix(random: 1, count, in: -1e4...1e4, using: &generator)
    let expected = x.doubles.joined().reduce(0) { $0 + $1 * $1 }
    #expect(difference(Vector.sumOfSquares(x.pointer, count: count), expected) <= 1e-12 * expected)
  }

  @Test func sumOfSquaresKeepsSmallTermsBesideLargeOnes() {
    let x = TestMatrix(1, 1001) { _, index in index == 0 ? 1e6 : 1e-3 }
    let small = Double(Float(1e-3)) * Double(Float(1e-3))
    #expect(abs(Vector.sumOfSquares(x.pointer, count: 1001) - (1e12 + 1000 * small)) < 3e-4)
  }

  @Test func anyElementThatIsNotFiniteIsFound() {
    let x = TestMatrix(1, 77) { _, index in index % 2 == 0 ? .greatestFiniteMagnitude : -1 }
    #expect(Vector.allFinite(x.pointer, count: 77))
    #expect(Vector.allFinite(x.pointer, count: 0))
    for index in 0..<77 {
      let kept = x[0, index]
      for bad in [Float.infinity, -.infinity, .nan] {
        x[0, index] = bad
        #expect(!Vector.allFinite(x.pointer, count: 77))
        #expect(Vector.allFinite(x.pointer, count: index))
      }
      x[0, index] = kept
    }
  }

  @Test(arguments: [1, 8, 13])
  func rowsAreGatheredAndScatteredByIndex(width: Int) {
    var generator = SeededGenerator(seed: 3)
    let table = TestMatrix(random: 5, width, gap: 3, using: &generator)
    let indices: [Int32] = [4, 0, 4, 4, 2, 0]
    let rows = TestMatrix(6, width, gap: 1)
    Vector.gatherRows(table.constant, indices: indices, into: rows.view)
    #expect((0..<6).allSatisfy { rows.bits[$0] == table.bits[Int(indices[$0])] })

    let sums = TestMatrix(5, width, gap: 2)
    Vector.scatterAddRows(rows.view, indices: indices, to: sums.view)
    let occurrences: [Float] = [2, 0, 1, 0, 3]
    for row in 0..<5 {
      for column in 0..<width {
        #expect(abs(sums[row, column] - occurrences[row] * table[row, column]) < 1e-6)
      }
    }
    #expect(rows.isIntactOutside && sums.isIntactOutside && table.isIntactOutside)
  }

  @Test(arguments: [0, 1, 8, 13, 31])
  func vectorsAreCombinedAndScaled(count: Int) {
    var generator = SeededGenerator(seed: UInt64(40 + count))
    let x = TestMatrix(random: 1, count, using: &generator)
    let other = TestMatrix(random: 1, count, using: &generator)
    let before = TestMatrix(copying: x)
    Vector.combine(x.pointer, factor: 1.3, other: other.pointer, otherFactor: -0.7, count: count)
    let combined = TestMatrix(copying: x)
    #expect(
      (0..<count).allSatisfy { x[0, $0] == (other[0, $0] * -0.7).addingProduct(before[0, $0], 1.3) })
    Vector.scale(x.pointer, by: 0.3, count: count)
    #expect((0..<count).allSatisfy { x[0, $0] == combined[0, $0] * 0.3 })
    #expect(x.isIntactOutside)
  }

  /// More rows than are fetched ahead; where an index is negative, nothing is added.
  @Test(arguments: [1, 8, 40])
  func rowsThatExistAreAdded(width: Int) {
    var generator = SeededGenerator(seed: 50)
    let table = TestMatrix(random: 5, width, gap: 3, using: &generator)
    let indices: [Int32] = [4, -1, 0, 4, -7, 2, 1, 3, 0, -1, 4, -1]
    let sums = TestMatrix(random: indices.count, width, gap: 2, using: &generator)
    let before = TestMatrix(copying: sums)
    Vector.addRows(table.constant, indices: indices, to: sums.view)
    for (row, index) in indices.enumerated() {
      for column in 0..<width {
        let added = index < 0 ? before[row, column] : before[row, column] + table[Int(index), column]
        #expect(sums[row, column] == added)
      }
    }
    #expect(sums.isIntactOutside)
  }
}
