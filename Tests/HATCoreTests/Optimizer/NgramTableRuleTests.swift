import Foundation
import HATKernels
import TestSupport
import Testing

@testable import HATCore

@Suite struct NgramTableRuleTests {
  private let tensor = RuleSubject.tensor([150, 12], .ngramTable)

  /// Of each step the rows that it touches.
  private static let touched = [[0, 3, 149], [3, 64], [], [0, 3, 63, 64]]

  private func gradient(_ rows: [Int], step: Int) -> [Float] {
    let all = RuleSubject.gradient(150 * 12, step: step)
    return all.indices.map { rows.contains($0 / 12) ? all[$0] : 0 }
  }

  @Test(arguments: OptimizerKind.allCases) func touchedRowsFollowTheDefinition(kind: OptimizerKind) {
    var training = TrainingConfiguration()
    training.optimizer = kind
    let subject = RuleSubject(tensor, training)
    var (expected, moments) = (subject.values, [Double](repeating: 0, count: 150))
    let untouched = subject.bits
    for (step, rows) in Self.touched.enumerated() {
      let gradient = gradient(rows, step: step)
      subject.update(step + 1, gradient, rate: 0.01, scale: 0.5)
      for row in rows {
        let floats = row * 12..<(row + 1) * 12
        let mean = floats.reduce(0) { $0 + pow(0.5 * Double(gradient[$1]), 2) } / 12
        moments[row] = 0.95 * moments[row] + 0.05 * mean
        for index in floats {
          expected[index] -= 0.01 * 0.5 * Double(gradient[index]) / (moments[row].squareRoot() + 1e-8)
        }
      }
    }
    #expect(zip(subject.values, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    let rows = Set(Self.touched.joined())
    for index in untouched.indices where !rows.contains(index / 12) {
      #expect(subject.bits[index] == untouched[index])
    }
  }

  /// Marks say where to look. A marked row that is zero stays, as one that is not marked.
  @Test(arguments: [1, 3]) func marksAndThreadsChangeNothing(threads: Int) {
    let (plain, marked) = (
      RuleSubject(tensor, TrainingConfiguration()),
      RuleSubject(tensor, TrainingConfiguration(), threads: threads)
    )
    let tables = RowTables(TensorTable([tensor]))
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: tables.wordCount)
    defer { words.deallocate() }
    for (step, rows) in Self.touched.enumerated() {
      words.initialize(repeating: 0, count: tables.wordCount)
      for row in rows + [5, 130] { words[row / 64] |= 1 << UInt64(row % 64) }
      let gradient = gradient(rows, step: step)
      plain.update(step + 1, gradient, rate: 0.01)
      marked.update(step + 1, gradient, rate: 0.01, marks: RowMarks(tables, words))
    }
    #expect(marked.bits == plain.bits)
  }

  @Test(arguments: OptimizerKind.allCases) func aRowKeepsOneNumber(kind: OptimizerKind) {
    var training = TrainingConfiguration()
    training.optimizer = kind
    #expect(training.optimizerRule.state(of: tensor) == [StateTensor("row_second_moment", [150])])
    #expect(training.optimizerRule.needsWhole(tensor))
  }
}
