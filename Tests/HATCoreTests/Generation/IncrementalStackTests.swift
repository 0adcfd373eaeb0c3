import Foundation
import HATKernels
import TestSupport
import Testing

@testable import HATCore

@Suite struct IncrementalStackTests {
  private let witness = ModelWitness(.generationSample, seed: 11)

  private func stack() -> IncrementalStack {
    let model = witness.configuration
    return IncrementalStack(
      model.backbone, HierarchicalTensors(model).backbone.blocks, witness.weights.blocks, sequences: 2,
      positions: 64, kernels: ModelKernels())
  }

  /// Runs rows that depend on their index alone.
  private func outputs(
    of indices: Range<Int>, sequences: [Int], reading read: [Int], _ stack: IncrementalStack
  ) -> [[UInt32]] {
    let width = stack.shape.width
    let buffer = FloatBuffer(zeroed: indices.count * width)
    for place in 0..<buffer.count {
      buffer.base[place] = Float(sin(Double(indices.lowerBound * width + place)))
    }
    let rows = MatrixView(buffer.base, rows: indices.count, columns: width)
    let outputs = stack.append(rows, of: sequences[...], reading: read)
    return (0..<outputs.rows).map { row in (0..<width).map { outputs.row(row)[$0].bitPattern } }
  }

  /// What nobody reads is not computed, and what comes later is the same.
  @Test(arguments: [[], [0], [19], [3, 4, 12, 19]]) func rowsThatAreNotReadChangeNoBit(read: [Int]) {
    let sequences = (0..<20).map { $0 < 8 ? 0 : 1 }
    let (whole, partial) = (stack(), stack())
    let all = outputs(of: 0..<20, sequences: sequences, reading: Array(0..<20), whole)
    #expect(outputs(of: 0..<20, sequences: sequences, reading: read, partial) == read.map { all[$0] })
    #expect(partial.flops < whole.flops)
    let later = [whole, partial].map { outputs(of: 20..<23, sequences: [1, 0, 1], reading: [1, 2], $0) }
    #expect(later[0] == later[1])
  }
}
