import HATKernels

/// Sums the gradients of a rank's micro-batches in the order of the tree, in as many buffers as the tree is deep.
final class GradientAccumulator {
  /// Gradient buffers by depth, each [parameters]; the sum ends in the first.
  private let buffers: [FloatBuffer]

  init(parameterCount: Int, tree: MicroBatchTree) {
    buffers = (0..<tree.depth).map { _ in FloatBuffer(zeroed: parameterCount) }
  }

  /// The sum over this rank's micro-batches, once `accumulate` has returned. [parameters]
  var gradient: FloatBuffer { buffers[0] }

  /// Calls `compute` for each of `microBatches` with the buffer its gradient must overwrite, and sums.
  func accumulate(
    _ microBatches: Range<Int>, compute: (_ microBatch: Int, _ gradient: FloatBuffer) throws -> Void
  ) rethrows {
    try MicroBatchTree.walk(
      microBatches,
      leaf: { index, depth in try compute(index, buffers[depth]) },
      add: { depth in
        Vector.add(buffers[depth + 1].base, to: buffers[depth].base, count: buffers[depth].count)
      })
  }
}
