import HATKernels

extension TransformerStack {
  private var lastLayer: Int { workspace.blocks.count - 1 }

  /// Runs a tile through all blocks, keeping what `backward` needs.
  func forward(_ tile: TileRows, _ weights: Weights) {
    precondition(tile.count <= workspace.rows, "the batch exceeds the capacity the arena was planned for")
    for layer in workspace.blocks.indices {
      let block = BlockViews(stack: self, layer: layer, rows: tile.count, weights: weights)
      let leading = layer == lastLayer ? workspace.leading : nil
      if layer == 0 { tile.fill(block.input, weights) }
      if layer == 0, let projections = tile.table.projections {
        projections.lookUp(tile, into: block.queryKeyValue)
      } else if let leading {
        projectLeading(block, leading, tile.segments)
      } else {
        project(block)
      }
      if leading != nil {
        let rows = BlockViews(stack: self, layer: layer, rows: tile.segments.count, weights: weights)
        attendLeading(block, rows, tile.segments)
        transform(rows)
      } else {
        attend(block, segments: tile.segments)
        transform(block)
      }
    }
  }

  /// Differentiates the blocks of the last `forward` of that tile; the gradient by its rows goes to their tables.
  /// - Parameters:
  ///   - residualGradient: [rows of `output`, width], the loss by `output`; overwritten.
  ///   - flatGradients: by the weights of stack and n-grams, which this adds to.
  func backward(
    _ tile: TileRows, residualGradient: MatrixView, _ weights: Weights, _ flatGradients: Gradients
  ) {
    var residual = residualGradient
    for layer in workspace.blocks.indices.reversed() {
      let block = BlockViews(stack: self, layer: layer, rows: tile.count, weights: weights)
      let gradients = BlockGradients(
        stack: self, layer: layer, rows: tile.count, gradients: flatGradients, isAdding: true)
      let leading = layer == lastLayer ? workspace.leading : nil
      if let leading {
        let rows = BlockViews(stack: self, layer: layer, rows: tile.segments.count, weights: weights)
        let rowGradients = BlockGradients(
          stack: self, layer: layer, rows: tile.segments.count, gradients: flatGradients, isAdding: true)
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
      if layer == 0, let projections = tile.table.projections {
        projections.add(gradients.queryKeyValue, tile)
      } else if let leading {
        differentiateProjectLeading(block, leading, gradients, residual, tile.segments)
      } else {
        differentiateProject(block, gradients, residual)
      }
      if layer == 0 { tile.add(residual, to: flatGradients) }
    }
  }
}

/// The last block of a stack where only each segment's first row is read (docs/model.md §9): it computes keys and values of
/// all rows, everything else only at the first rows. Legend: R rows, S segments.
extension TransformerStack {
  private var queries: Range<Int> { shape.queries }
  private var keys: Range<Int> { shape.keys }
  private var keysAndValues: Range<Int> { shape.keysAndValues }

  /// Keys and values of all rows, queries of the first rows, normalised but not rotated.
  func projectLeading(_ block: BlockViews, _ places: StackWorkspace.Leading, _ segments: Segments) {
    kernels.norm(
      block.input, gain: block.weights.inputNorm, into: block.normalized,
      inverseRoots: block.inputInverseRoots)
    kernels.linear(
      block.normalized, weight: block.weights.queryKeyValue.rows(keysAndValues),
      into: block.queryKeyValue.columns(keysAndValues))

    let (rows, rowQueries) = (view(places.normalized, segments.count), view(places.queries, segments.count))
    kernels.rows(rows) { Vector.gatherRows(block.normalized, indices: segments.offsets, into: rows) }
    kernels.linear(rows, weight: block.weights.queryKeyValue.rows(queries), into: rowQueries)
    normalize(block.queryKeyNorm, queries: rowQueries, keys: block.queryKeyValue.columns(keys))
    kernels.rows(rowQueries) {
      Vector.scatterRows(rowQueries, indices: segments.offsets, into: block.queryKeyValue.columns(queries))
    }
  }

  /// - Parameter rows: the views of the first rows, [S, …].
  func attendLeading(_ block: BlockViews, _ rows: BlockViews, _ segments: Segments) {
    // A segment's first row is at position 0, where rotation changes nothing: queries stay as they are.
    kernels.rotate(block.queryKeyValue.columns(keys), rotary, heads: shape.keyValueHeads, segments: segments)
    kernels.profile.measure(.wordAttention, leadingFLOPs(block)) {
      LeadingAttention.forward(
        block.queryKeyValue, segments: segments, shape: shape.attention, into: rows.attention,
        scratch: attentionScratch[0])
    }
    kernels.rows(rows.middle) { Vector.gatherRows(block.input, indices: segments.offsets, into: rows.middle) }
    kernels.addLinear(rows.attention, weight: block.weights.attentionOutput, to: rows.middle)
  }

  /// - Parameter residualGradient: [S, width], the loss by the residual stream between attention and MLP.
  func differentiateAttendLeading(
    _ block: BlockViews, _ rows: BlockViews, _ gradients: BlockGradients, _ rowGradients: BlockGradients,
    _ residualGradient: MatrixView, _ segments: Segments
  ) {
    kernels.addWeightGradient(residualGradient, input: rows.attention, to: gradients.weights.attentionOutput)
    kernels.inputGradient(
      residualGradient, weight: block.weights.attentionOutput, into: rowGradients.attention)
    kernels.profile.measure(.wordAttention, 2 * leadingFLOPs(block)) {
      LeadingAttention.backward(
        block.queryKeyValue, segments: segments, shape: shape.attention,
        outputGradient: rowGradients.attention, into: gradients.queryKeyValue, scratch: attentionScratch[0])
    }
    kernels.rotateBack(
      gradients.queryKeyValue.columns(keys), rotary, heads: shape.keyValueHeads, segments: segments)
  }

  /// - Parameter residualGradient: [R, width], which this adds to.
  func differentiateProjectLeading(
    _ block: BlockViews, _ places: StackWorkspace.Leading, _ gradients: BlockGradients,
    _ residualGradient: MatrixView, _ segments: Segments
  ) {
    kernels.norm(
      block.input, gain: block.weights.inputNorm, into: block.normalized,
      inverseRoots: block.inputInverseRoots)
    let (rows, rowQueries) = (view(places.normalized, segments.count), view(places.queries, segments.count))
    Vector.gatherRows(gradients.queryKeyValue.columns(queries), indices: segments.offsets, into: rowQueries)
    differentiateNorms(
      block.queryKeyNorm, queries: rowQueries, keys: gradients.queryKeyValue.columns(keys),
      addGainGradientsTo: gradients.weights.queryKeyNorm)
    let outputs = gradients.queryKeyValue.columns(keysAndValues)
    kernels.addWeightGradient(
      outputs, input: block.normalized, to: gradients.weights.queryKeyValue.rows(keysAndValues))
    kernels.inputGradient(
      outputs, weight: block.weights.queryKeyValue.rows(keysAndValues), into: gradients.normalized)

    Vector.gatherRows(block.normalized, indices: segments.offsets, into: rows)
    kernels.addWeightGradient(rowQueries, input: rows, to: gradients.weights.queryKeyValue.rows(queries))
    kernels.inputGradient(rowQueries, weight: block.weights.queryKeyValue.rows(queries), into: rows)
    Vector.scatterAddRows(rows, indices: segments.offsets, to: gradients.normalized)
    kernels.normBackward(
      block.input, gain: block.weights.inputNorm, inverseRoots: block.inputInverseRoots,
      outputGradient: gradients.normalized, addInputGradientTo: residualGradient,
      addGainGradientTo: gradients.weights.inputNorm)
  }

  /// Of the forward pass.
  private func leadingFLOPs(_ block: BlockViews) -> Int { 4 * shape.queryWidth * block.input.rows }
}
