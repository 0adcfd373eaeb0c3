import HATKernels
import TestSupport
import Testing

@testable import HATCore

/// Gradients whose n-gram tables have marks, against gradients without: the same floats, of which fewer are visited.
@Suite struct RowMarksTests {
  /// Two tables between other tensors; 130 rows are three words of marks.
  private static let table: TensorTable = {
    var end = 0
    return TensorTable(
      ([
        ("a", [7], .gain), ("t", [130, 5], .ngramTable), ("b", [3, 4], .hiddenMatrix),
        ("u", [64, 3], .ngramTable),
      ]
        as [(String, [Int], TensorRole)]).map { name, shape, role in
          let tensor = Tensor(
            name: name, shape: shape, role: role, unit: .front, initialValues: .zeros, start: end)
          end = tensor.range.upperBound
          return tensor
        })
  }()

  private final class Buffer {
    let floats = FloatBuffer(zeroed: table.count)
    let words: UnsafeMutablePointer<UInt64>
    let marked: Gradients
    var plain: Gradients { Gradients(FlatSlice(floats)) }

    init() {
      let tables = RowTables(table)
      words = .allocate(capacity: tables.wordCount)
      words.initialize(repeating: 0, count: tables.wordCount)
      marked = Gradients(FlatSlice(floats), marks: RowMarks(tables, words))
    }

    deinit { words.deallocate() }

    /// Writes some rows of both tables, and everything else.
    func write(_ rows: [Int], seed: UInt64) {
      var generator = OracleGenerator(seed: seed)
      for tensor in table.tensors {
        guard tensor.role == .ngramTable else {
          for index in tensor.range { floats.base[index] = Float.random(in: -1...1, using: &generator) }
          continue
        }
        let columns = tensor.shape[1]
        let place = MatrixPlace(start: tensor.range.lowerBound, rows: tensor.shape[0], columns: columns)
        for row in rows where row < tensor.shape[0] {
          marked.marks!.words(of: place)[row / 64] |= 1 << UInt64(row % 64)
          for column in 0..<columns {
            floats.base[place.start + row * columns + column] = Float.random(in: -1...1, using: &generator)
          }
        }
      }
    }

    var bits: [UInt32] { floats.elements.map(\.bitPattern) }
  }

  @Test func clearingClearsWhatIsMarked() {
    let buffer = Buffer()
    buffer.write([0, 63, 64, 129], seed: 1)
    #expect(buffer.bits.contains { $0 != 0 })
    buffer.marked.fillZero()
    #expect(buffer.bits.allSatisfy { $0 == 0 })
    #expect((0..<4).allSatisfy { buffer.words[$0] == 0 })
    buffer.write([70], seed: 2)
    buffer.marked[3..<Self.table.count].fillZero()
    #expect(buffer.bits[0..<3].allSatisfy { $0 != 0 } && buffer.bits[3...].allSatisfy { $0 == 0 })
  }

  @Test func addingAddsWhatIsMarked() {
    let (first, second, plain) = (Buffer(), Buffer(), Buffer())
    first.write([0, 5, 100], seed: 1)
    plain.write([0, 5, 100], seed: 1)
    second.write([5, 63, 129], seed: 2)
    let all = 0..<Self.table.count
    first.marked.add(second.marked, in: all)
    plain.plain.add(second.plain, in: all)
    #expect(first.bits == plain.bits)
    first.marked.fillZero()
    #expect(first.bits.allSatisfy { $0 == 0 })
  }

  @Test func tablesAreWalkedInOrderWithWhatIsBetween() {
    var visited: [Range<Int>] = []
    RowTables(Self.table).walk(3..<Self.table.count) {
      visited.append($0.floats)
    } other: {
      visited.append($0)
    }
    #expect(visited == [3..<7, 7..<657, 657..<669, 669..<861])
    visited = []
    RowTables(Self.table).walk(0..<5) {
      visited.append($0.floats)
    } other: {
      visited.append($0)
    }
    #expect(visited == [0..<5])
  }
}
