import HATKernels

extension HierarchicalTransformer {
  /// From the loss's gradient by the logits to that by every parameter, which is added to `gradient`.
  func backward(parameters: UnsafePointer<Float>, gradient: FloatPointer) {
    let weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    let gradients = ModelMatrices(layout, model, in: gradient)
    differentiateDecode(weights, gradients, parameters, gradient)
    differentiatePredict(weights, gradients, parameters, gradient)
    differentiateEncode(weights, gradients, parameters, gradient)
  }

  private func differentiateDecode(
    _ weights: ModelMatrices, _ gradients: ModelMatrices, _ parameters: UnsafePointer<Float>,
    _ gradient: FloatPointer
  ) {
    let count = rows.decoderSymbols.count
    MatrixProduct.addWeightGradient(logits, input: view(places.decoded, count), to: gradients.decoderHead)
    let decodedGradient = outputGradient(count, model.byteWidth)
    MatrixProduct.inputGradient(logits, weight: weights.decoderHead, into: decodedGradient)
    let residual = residualGradient(count, model.byteWidth)
    residual.fillZero()
    RMSNorm.backward(
      decoder.output(rows: count), gain: weights.decoderNorm,
      inverseRoots: arena.base + places.decoderInverseRoots, outputGradient: decodedGradient,
      addInputGradientTo: residual, addGainGradientTo: gradients.decoderNorm)
    decoder.backward(
      segments: rows.targetWords, residualGradient: residual, parameters: parameters, gradient: gradient)

    let starts = view(places.wordGradient, rows.words)
    for word in 0..<rows.words {
      let row = residual.row(Int(rows.decoderOffsets.base[word]))
      starts.row(word).update(from: row, count: residual.columns)
      // A word's first row came from the backbone: it owes nothing to the embedding table.
      row.update(repeating: 0, count: residual.columns)
    }
    Vector.scatterAddRows(residual, indices: rows.decoderSymbols.base, to: gradients.byteEmbedding)
  }

  private func differentiatePredict(
    _ weights: ModelMatrices, _ gradients: ModelMatrices, _ parameters: UnsafePointer<Float>,
    _ gradient: FloatPointer
  ) {
    let starts = view(places.wordGradient, rows.words)
    MatrixProduct.addWeightGradient(starts, input: predictiveEmbeddings, to: gradients.decoderInput)
    let predictiveGradient = outputGradient(rows.words, model.width)
    MatrixProduct.inputGradient(starts, weight: weights.decoderInput, into: predictiveGradient)
    let residual = residualGradient(rows.words, model.width)
    residual.fillZero()
    RMSNorm.backward(
      backbone.output(rows: rows.words), gain: weights.backboneNorm,
      inverseRoots: arena.base + places.backboneInverseRoots, outputGradient: predictiveGradient,
      addInputGradientTo: residual, addGainGradientTo: gradients.backboneNorm)
    backbone.backward(
      segments: rows.pieces, residualGradient: residual, parameters: parameters, gradient: gradient)
  }

  private func differentiateEncode(
    _ weights: ModelMatrices, _ gradients: ModelMatrices, _ parameters: UnsafePointer<Float>,
    _ gradient: FloatPointer
  ) {
    let embeddingGradient = residualGradient(rows.words, model.width)
    MatrixProduct.addWeightGradient(
      embeddingGradient, input: view(places.normalizedMarks, rows.words), to: gradients.encoderOutput)
    let normalizedGradient = outputGradient(rows.words, model.byteWidth)
    MatrixProduct.inputGradient(embeddingGradient, weight: weights.encoderOutput, into: normalizedGradient)
    let markGradient = view(places.wordGradient, rows.words)
    markGradient.fillZero()
    RMSNorm.backward(
      view(places.marks, rows.words), gain: weights.encoderNorm,
      inverseRoots: arena.base + places.markInverseRoots, outputGradient: normalizedGradient,
      addInputGradientTo: markGradient, addGainGradientTo: gradients.encoderNorm)

    let count = rows.encoderSymbols.count
    let residual = residualGradient(count, model.byteWidth)
    residual.fillZero()
    for word in 0..<rows.words {
      residual.row(Int(rows.encoderOffsets.base[word]))
        .update(from: markGradient.row(word), count: residual.columns)
    }
    encoder.backward(
      segments: rows.inputWords, residualGradient: residual, parameters: parameters, gradient: gradient)
    Vector.scatterAddRows(residual, indices: rows.encoderSymbols.base, to: gradients.byteEmbedding)
  }

  private func residualGradient(_ rows: Int, _ columns: Int) -> MatrixView {
    MatrixView(arena.base + places.residualGradient, rows: rows, columns: columns)
  }

  private func outputGradient(_ rows: Int, _ columns: Int) -> MatrixView {
    MatrixView(arena.base + places.outputGradient, rows: rows, columns: columns)
  }
}
