import HATKernels
import Testing

@Suite struct BrainFloatTests {
  private func rounded(_ values: [Float]) -> [UInt16] {
    var bits = [UInt16](repeating: 0, count: values.count)
    BrainFloat.round(values, into: &bits, count: values.count)
    return bits
  }

  /// Bits of floats, and of what they are rounded to: the nearest, ties to even, up to infinity. Unlike in factors of products,
  /// denormals are kept.
  static let roundings: [(UInt32, UInt16)] = [
    (0x3F80_0000, 0x3F80), (0x3F80_7FFF, 0x3F80), (0x3F80_8000, 0x3F80), (0x3F80_8001, 0x3F81),
    (0x3F81_8000, 0x3F82), (0xBF81_8000, 0xBF82), (0x3FFF_8000, 0x4000),
    (0x7F7F_7FFF, 0x7F7F), (0x7F7F_8000, 0x7F80), (0x7F7F_FFFF, 0x7F80), (0xFF80_0000, 0xFF80),
    (0x0000_0000, 0x0000), (0x8000_0000, 0x8000), (0x0000_8000, 0x0000), (0x0001_8000, 0x0002),
    (0x007F_FFFF, 0x0080),
  ]

  @Test(arguments: roundings)
  func valuesAreRoundedToTheNearest(pattern: UInt32, bits: UInt16) {
    #expect(rounded([Float(bitPattern: pattern)]) == [bits])
  }

  /// Also where its bits are only those that are cut off.
  @Test(arguments: [0x7F80_0001, 0xFF80_0001, 0x7F80_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
  func whatIsNoNumberStaysNone(pattern: UInt32) {
    let bits = rounded([Float(bitPattern: pattern)])[0]
    #expect(Float(bitPattern: UInt32(bits) << 16).isNaN)
    #expect(bits >> 15 == UInt16(pattern >> 31))
  }

  @Test func everyBrainFloatIsItsOwnRounding() {
    let all = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: all.count)
    BrainFloat.expand(all, into: &floats, count: all.count)
    #expect(zip(all, floats).allSatisfy { UInt32($0) << 16 == $1.bitPattern || $1.isNaN })
    let again = rounded(floats)
    #expect(zip(all, again).allSatisfy { $0 == $1 || Float(bitPattern: UInt32($0) << 16).isNaN })
  }

  @Test func aMatrixIsRoundedInPlaceWhetherItIsKeptOrNot() {
    var generator = SeededGenerator(seed: 70)
    let matrix = TestMatrix(random: 3, 7, gap: 2, using: &generator)
    let bits = (0..<3).map { row in rounded((0..<7).map { matrix[row, $0] }) }
    let other = TestMatrix(copying: matrix)
    let floats = FloatBuffer(zeroed: 11)
    let kept = BrainFloatMatrix(inFloats: floats.base, rows: 3, columns: 7)
    BrainFloat.round(matrix.view, keepingIn: kept)
    BrainFloat.round(other.view, keepingIn: nil)
    let again = TestMatrix(3, 7, gap: 1)
    BrainFloat.expand(kept, into: again.view)
    let expected = bits.map { $0.map { UInt32($0) << 16 } }
    #expect(matrix.bits == expected && other.bits == expected && again.bits == expected)
    #expect(matrix.isIntactOutside && other.isIntactOutside && again.isIntactOutside)
  }
}
