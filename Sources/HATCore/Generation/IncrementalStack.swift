import Foundation
import HATKernels

/// A causal stack fed one row at a time, with the keys and values of the rows before it kept.
///
/// Gives what `TransformerStack.forward` gives for the whole segment, to rounding.
final class IncrementalStack {
  let shape: StackShape
  /// Rows since the last `reset`.
  private(set) var count = 0
  private let positions: Int
  private let offsets: StackOffsets
  private let parameters: UnsafePointer<Float>
  private let arena = Arena()
  private let packedWeights: PackedWeights
  private let rotary: RotaryTable
  /// A matrix [positions, queryKeyValueWidth] for each layer.
  private let rows: [FloatBuffer]
  /// [width], [F] or [2F], [queryWidth] and [positions] floats of scratch.
  private let normalized: FloatBuffer
  private let hidden: FloatBuffer
  private let gateUp: FloatBuffer
  private let attention: FloatBuffer
  private let scores: FloatBuffer

  /// - Parameters:
  ///   - parameters: the flat buffer, which does not change as long as this lives.
  ///   - positions: rows of a segment, at most.
  init(_ shape: StackShape, offsets: StackOffsets, parameters: UnsafePointer<Float>, positions: Int) {
    precondition(shape.isCausal)
    self.shape = shape
    self.offsets = offsets
    self.parameters = parameters
    packedWeights = PackedWeights(shape, arena: arena)
    arena.allocate()
    packedWeights.pack(offsets, parameters)
    self.positions = positions
    rotary = RotaryTable(headSize: shape.headSize, theta: shape.ropeTheta, positions: positions)
    rows = (0..<shape.layers).map { _ in FloatBuffer(zeroed: positions * shape.queryKeyValueWidth) }
    normalized = FloatBuffer(zeroed: shape.width)
    hidden = FloatBuffer(zeroed: shape.mlpHidden)
    gateUp = FloatBuffer(zeroed: 2 * shape.mlpHidden)
    attention = FloatBuffer(zeroed: shape.queryWidth)
    scores = FloatBuffer(zeroed: positions)
  }

  var isFull: Bool { count == positions }

  /// Starts a new segment.
  func reset() {
    count = 0
  }

  /// Runs the next row through all blocks, in place.
  /// - Parameter row: [1, width]; in: the input; out: the residual stream after the last block.
  func append(_ row: MatrixView) {
    precondition(!isFull, "the segment is full")
    count += 1
    for layer in rows.indices {
      let weights = BlockMatrices(shape, offsets.blocks[layer], in: FloatPointer(mutating: parameters))
      let linears = packedWeights.linears(weights, layer: layer)
      attend(row, weights, linears, layer: layer)
      transform(row, weights, linears)
    }
  }

  private func attend(_ row: MatrixView, _ weights: BlockMatrices, _ linears: BlockLinears, layer: Int) {
    let all = MatrixView(rows[layer].base, rows: count, columns: shape.queryKeyValueWidth)
    let current = all.rows(count - 1..<count)
    MatrixProduct.linear(normalize(row, weights.inputNorm), weight: linears.queryKeyValue, into: current)
    rotary.rotate(
      current.columns(0..<shape.queryWidth + shape.keyValueWidth), heads: shape.heads + shape.keyValueHeads,
      position: count - 1)
    let output = view(attention)
    for head in 0..<shape.heads { attendHead(head, query: current, all: all, into: output) }
    MatrixProduct.addLinear(output, weight: linears.attentionOutput, to: row)
  }

  private func attendHead(_ head: Int, query: MatrixView, all: MatrixView, into output: MatrixView) {
    let keyHead = head / (shape.heads / shape.keyValueHeads)
    let size = shape.headSize
    let own = head * size..<(head + 1) * size
    let keys = shape.queryWidth + keyHead * size
    let values = keys + shape.keyValueWidth
    let weights = MatrixView(scores.base, rows: 1, columns: count)
    MatrixProduct.linear(
      query.columns(own), weight: all.columns(keys..<keys + size), into: weights)
    softmax(weights)
    MatrixProduct.inputGradient(
      weights, weight: all.columns(values..<values + size), into: output.columns(own))
  }

  private func softmax(_ row: MatrixView) {
    let scale = 1 / Float(shape.headSize).squareRoot()
    let values = UnsafeMutableBufferPointer(start: row.base, count: row.columns)
    let largest = values.max()!
    var sum: Float = 0
    for index in values.indices {
      values[index] = exp((values[index] - largest) * scale)
      sum += values[index]
    }
    for index in values.indices { values[index] /= sum }
  }

  private func transform(_ row: MatrixView, _ weights: BlockMatrices, _ linears: BlockLinears) {
    MatrixProduct.linear(
      normalize(row, weights.postAttentionNorm), weight: linears.gateUp, into: view(gateUp))
    SwiGLU.forward(view(gateUp), into: view(hidden))
    MatrixProduct.addLinear(view(hidden), weight: linears.down, to: row)
  }

  private func normalize(_ row: MatrixView, _ gain: FloatPointer) -> MatrixView {
    var inverseRoot: Float = 0
    RMSNorm.forward(row, gain: gain, into: view(normalized), inverseRoots: &inverseRoot)
    return view(normalized)
  }

  private func view(_ buffer: FloatBuffer) -> MatrixView {
    MatrixView(buffer.base, rows: 1, columns: buffer.count)
  }
}
