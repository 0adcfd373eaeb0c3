import HATCore
import HATKernels

/// An optimiser rule applied to the ranges of the flat buffer that a rank updates, with its state for them.
public final class ShardedOptimizer {
  /// The parameters that this rank updates.
  public let ranges: [Range<Int>]
  /// The state of the rule: flat buffers, of which the part for `ranges` exists.
  public let state: [StateBuffer]

  private let rule: any OptimizerRule
  private let parts: [TensorPart]
  private let resources: UpdateResources
  /// Whose memory parts and resources lie in.
  private let owners: [FloatBuffer]

  /// - Parameters:
  ///   - ranges: ascending.
  ///   - parameters: [table.count], of which `ranges` exist.
  ///   - gradient: [table.count], of which `ranges` exist; `update` expects the sum over the ranks.
  ///   - marks: of the gradient, if it has any.
  ///   - workers: the threads of the rank.
  ///   - arithmetic: of matrix products.
  public init(
    _ rule: any OptimizerRule, _ table: TensorTable, _ ranges: [Range<Int>], parameters: FloatBuffer,
    gradient: FloatBuffer, marks: RowMarks? = nil, workers: WorkerPool = WorkerPool(threads: 1),
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    (self.rule, self.ranges) = (rule, ranges)
    let scratch = FloatBuffer(zeroed: rule.scratchFloats(table, ranges))
    resources = UpdateResources(workers: workers, arithmetic: arithmetic, scratch: scratch.base)
    owners = [parameters, gradient, scratch]
    let state = StateSection.all(of: rule, table).map { StateBuffer($0, FloatBuffer(reserving: $0.count)) }
    for buffer in state {
      for range in ranges { buffer.floats(of: range).update(repeating: 0) }
    }
    self.state = state
    let (parameters, gradient) = (FlatSlice(parameters), FlatSlice(gradient))
    parts = ranges.flatMap { range in
      table.tensors.filter { $0.range.overlaps(range) }.map { tensor in
        let part = tensor.range.clamped(to: range)
        precondition(part == tensor.range || !rule.needsWhole(tensor), "\(tensor.name) must not be cut")
        return TensorPart(
          tensor, parameters: parameters[part], gradient: gradient[part].base,
          state: rule.state(of: tensor).map { kept in
            state.first { $0.section.name == kept.section }!.floats(of: part).baseAddress!
          }, marks: marks)
      }
    }
  }

  /// One optimiser step on `ranges`.
  public func update(at step: OptimizerStep) {
    for part in parts { rule.update(part, at: step, with: resources) }
  }
}

extension OptimizerRule {
  /// The ranges of parameters that must have one owner, with the work of updating them.
  func wholes(of table: TensorTable) -> [WholeRange] {
    table.tensors.filter(needsWhole).map { WholeRange(floats: $0.range, cost: cost(of: $0)) }
  }

  /// Floats of scratch memory for updating some ranges of parameters.
  func scratchFloats(_ table: TensorTable, _ ranges: [Range<Int>]) -> Int {
    ranges.flatMap(table.tensors(overlapping:)).map(scratchFloats).max() ?? 0
  }
}
