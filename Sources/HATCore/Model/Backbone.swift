import HATKernels

/// The backbone (docs/model.md §4): causal over the words of a document piece, or over its tokens, embeddings e to
/// predictive embeddings h = norm(last block). Legend: W words or tokens, `D` backbone width.
final class Backbone {
  private let stack: TransformerStack
  private let recomputesBlocks: Bool
  private let arena: Arena
  /// [pieces + 1]: where each piece's rows start.
  private let segmentOffsets: FixedList<Int32>
  /// [W]
  private let inverseRoots: ArenaPlace
  /// [W, D], h.
  private let predictive: ArenaMatrix
  /// [W, D], the gradient by h.
  private let predictiveGradient: ArenaMatrix
  /// [W, D]
  private let residualGradient: ArenaMatrix

  init(_ use: StackUse, tensors: StackTensors, scratch: StackScratch, arena: Arena, kernels: ModelKernels) {
    self.arena = arena
    recomputesBlocks = use.recomputesBlocks
    stack = TransformerStack(use, tensors: tensors, scratch: scratch, arena: arena, kernels: kernels)
    segmentOffsets = FixedList(capacity: use.rows + 1)
    inverseRoots = arena.reserve(use.rows)
    predictive = arena.reserve(rows: use.rows, columns: use.shape.width)
    predictiveGradient = arena.reserve(rows: use.rows, columns: use.shape.width)
    residualGradient = arena.reserve(rows: use.rows, columns: use.shape.width)
  }

  /// Lays the pieces of a batch out as rows.
  func setSegments(_ count: Int, rows: (_ segment: Int) -> Int) {
    segmentOffsets.removeAll()
    segmentOffsets.append(0)
    for segment in 0..<count { segmentOffsets.append(segmentOffsets.base[segment] + Int32(rows(segment))) }
  }

  private var words: Int { Int(segmentOffsets.base[segmentOffsets.count - 1]) }
  private var segments: Segments { Segments(offsets: segmentOffsets.base, count: segmentOffsets.count - 1) }

  /// [W, D]: e, to be filled before `forward`.
  var input: MatrixView { stack.input(rows: words) }
  /// [W, D]: h, valid after `forward`.
  var output: MatrixView { arena.view(predictive, rows: words) }
  /// [W, D]: the gradient by h, to be filled before `backward`.
  var outputGradient: MatrixView { arena.view(predictiveGradient, rows: words) }

  func forward<Parameters: ModelParameters>(_ parameters: Parameters) throws(Parameters.Failure) {
    for block in stack.tensors.blocks.indices {
      try parameters.withWeights(ofBlock: block) { weights in
        stack.forward(layer: block, segments: segments, rows: words, weights: weights)
      }
    }
    stack.kernels.norm(
      stack.output(rows: words), gain: parameters.back[stack.tensors.norm], into: output,
      inverseRoots: arena.floats(inverseRoots))
  }

  /// Differentiates the last `forward`; adds to the gradient of the norm and overwrites that of the blocks.
  /// - Returns: [W, D], the gradient by e.
  func backward<Memory: ModelMemory>(_ memory: Memory) throws(Memory.Failure) -> MatrixView {
    let residual = arena.view(residualGradient, rows: words)
    residual.fillZero()
    stack.kernels.normBackward(
      stack.output(rows: words), gain: memory.back[stack.tensors.norm],
      inverseRoots: arena.floats(inverseRoots), outputGradient: outputGradient, addInputGradientTo: residual,
      addGainGradientTo: memory.backGradients[stack.tensors.norm])
    for block in stack.tensors.blocks.indices.reversed() {
      try memory.withGradients(ofBlock: block) { weights, gradients in
        // The last block's activations are still there.
        if recomputesBlocks, block + 1 < stack.shape.layers {
          stack.forward(layer: block, segments: segments, rows: words, weights: weights)
        }
        stack.backward(
          layer: block, segments: segments, residualGradient: residual, weights: weights,
          gradients: gradients, isAdding: false)
      }
    }
    return residual
  }
}
