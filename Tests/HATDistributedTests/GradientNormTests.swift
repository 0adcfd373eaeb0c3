import HATKernels
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

/// The norm read by touched rows and on threads, against the norm of everything on one.
@Suite struct GradientNormTests {
  /// Rows that lie across the borders of blocks, and rows whose length is no multiple of the period.
  private static let table: TensorTable = {
    var end = 0
    let tensors: [(String, [Int], TensorRole)] = [
      ("matrix", [70, 99], .hiddenMatrix), ("wide", [3000, 48], .ngramTable), ("gain", [5], .gain),
      ("odd", [700, 12], .ngramTable),
    ]
    return TensorTable(
      tensors.map { name, shape, role in
        let tensor = Tensor(
          name: name, shape: shape, role: role, unit: .front, initialValues: .zeros, start: end)
        end = tensor.range.upperBound
        return tensor
      })
  }()

  @Test(arguments: [0, 1, 40, 3000], [1, 3]) func touchedRowsGiveTheSameBits(rows: Int, threads: Int) throws {
    let (table, tables) = (Self.table, RowTables(Self.table))
    var generator = OracleGenerator(seed: UInt64(rows))
    let gradient = FloatBuffer(zeroed: table.count)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: tables.wordCount)
    words.initialize(repeating: 0, count: tables.wordCount)
    defer { words.deallocate() }
    for tensor in table.tensors where tensor.role != .ngramTable {
      for index in tensor.range { gradient.base[index] = Float.random(in: -1...1, using: &generator) }
    }
    for table in tables.tables {
      let count = table.floats.count / table.columns
      for _ in 0..<rows {
        let row = Int.random(in: 0..<count, using: &generator)
        words[table.words.lowerBound + row / 64] |= 1 << UInt64(row % 64)
        for index in table.floats(ofRow: row) {
          gradient.base[index] = Float.random(in: -1...1, using: &generator)
        }
      }
    }
    let slices = SliceTable(
      units: table.units, wholes: TrainingConfiguration().optimizerRule.wholes(of: table), ranks: 1,
      byUnit: false)
    let whole = try GradientNorm(communicator: SoloCommunicator(), table: slices).norm(gradient.base)
    let touched = try GradientNorm(
      communicator: SoloCommunicator(), table: slices, marks: RowMarks(tables, words),
      workers: WorkerPool(threads: threads)
    ).norm(gradient.base)
    #expect(touched.bitPattern == whole.bitPattern)
    let expected = gradient.elements.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(whole - expected) < 1e-12 * expected)
  }
}
