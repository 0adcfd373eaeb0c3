import HATKernels

@testable import HATCore

/// A tile's blocks without the table of rows: all of the first block is computed for every row.
extension TransformerStack {
  private var last: Int { workspace.blocks.count - 1 }
  /// Those that run at every row.
  private var wholeLayers: Range<Int> { 0..<(workspace.leading == nil ? last + 1 : last) }

  func forwardPlainly(_ segments: Segments, rows: Int, parameters: UnsafePointer<Float>) {
    for layer in wholeLayers { forward(layer: layer, segments: segments, rows: rows, parameters: parameters) }
    guard let leading = workspace.leading else { return }
    let block = BlockViews(stack: self, layer: last, rows: rows, parameters: parameters)
    let firsts = BlockViews(stack: self, layer: last, rows: segments.count, parameters: parameters)
    projectLeading(block, leading, segments)
    attendLeading(block, firsts, segments)
    transform(firsts)
  }

  /// - Returns: [rows, width], the loss by the input.
  func backwardPlainly(
    _ segments: Segments, rows: Int, residualGradient: MatrixView, parameters: UnsafePointer<Float>,
    gradient: FloatPointer
  ) -> MatrixView {
    var residual = residualGradient
    if let leading = workspace.leading {
      let block = BlockViews(stack: self, layer: last, rows: rows, parameters: parameters)
      let firsts = BlockViews(stack: self, layer: last, rows: segments.count, parameters: parameters)
      let gradients = BlockGradients(stack: self, layer: last, rows: rows, gradient: gradient, isAdding: true)
      let firstGradients = BlockGradients(
        stack: self, layer: last, rows: segments.count, gradient: gradient, isAdding: true)
      differentiateTransform(firsts, firstGradients, residual)
      differentiateAttendLeading(block, firsts, gradients, firstGradients, residual, segments)
      let firstResidual = residual
      residual = view(leading.residualGradient, rows)
      residual.fillZero()
      Vector.scatterRows(firstResidual, indices: segments.offsets, into: residual)
      differentiateProjectLeading(block, leading, gradients, residual, segments)
    }
    for layer in wholeLayers.reversed() {
      backward(
        layer: layer, segments: segments, residualGradient: residual, parameters: parameters,
        gradient: gradient, isAdding: true)
    }
    return residual
  }
}
