import HATKernels

extension TransformerStack {
  private var lastLayer: Int { workspace.blocks.count - 1 }

  /// Runs a tile through all blocks, keeping what `backward` needs.
  func forward(_ tile: TileRows, parameters: UnsafePointer<Float>) {
    precondition(tile.count <= workspace.rows, "the batch exceeds the capacity the arena was planned for")
    for layer in workspace.blocks.indices {
      let block = BlockViews(stack: self, layer: layer, rows: tile.count, parameters: parameters)
      let leading = layer == lastLayer ? workspace.leading : nil
      if layer == 0 {
        tile.table.lookUp(block, tile.indices)
      } else if let leading {
        projectLeading(block, leading, tile.segments)
      } else {
        project(block)
      }
      if leading != nil {
        let rows = BlockViews(
          stack: self, layer: layer, rows: tile.segments.count, parameters: parameters)
        attendLeading(block, rows, tile.segments)
        transform(rows)
      } else {
        attend(block, segments: tile.segments)
        transform(block)
      }
    }
  }

  /// Differentiates the blocks of the last `forward` of that tile; the gradient by its rows goes to their table.
  /// - Parameters:
  ///   - residualGradient: [rows of `output`, width], the loss by `output`; overwritten.
  ///   - gradient: the flat gradient buffer, which this adds to.
  func backward(
    _ tile: TileRows, residualGradient: MatrixView, parameters: UnsafePointer<Float>, gradient: FloatPointer
  ) {
    var residual = residualGradient
    for layer in workspace.blocks.indices.reversed() {
      let block = BlockViews(stack: self, layer: layer, rows: tile.count, parameters: parameters)
      let gradients = BlockGradients(
        stack: self, layer: layer, rows: tile.count, gradient: gradient, isAdding: true)
      let leading = layer == lastLayer ? workspace.leading : nil
      if let leading {
        let rows = BlockViews(
          stack: self, layer: layer, rows: tile.segments.count, parameters: parameters)
        let rowGradients = BlockGradients(
          stack: self, layer: layer, rows: tile.segments.count, gradient: gradient, isAdding: true)
        differentiateTransform(rows, rowGradients, residual)
        differentiateAttendLeading(block, rows, gradients, rowGradients, residual, tile.segments)
        let leadingGradient = residual
        residual = view(leading.residualGradient, tile.count)
        residual.fillZero()
        Vector.scatterRows(leadingGradient, indices: tile.segments.offsets, into: residual)
      } else {
        differentiateTransform(block, gradients, residual)
        differentiateAttend(block, gradients, residual, segments: tile.segments)
      }
      if layer == 0 {
        tile.table.add(input: residual, queryKeyValue: gradients.queryKeyValue, tile.indices)
      } else if let leading {
        differentiateProjectLeading(block, leading, gradients, residual, tile.segments)
      } else {
        differentiateProject(block, gradients, residual)
      }
    }
  }
}
