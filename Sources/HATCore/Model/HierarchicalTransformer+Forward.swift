import HATKernels
import HATText

extension HierarchicalTransformer {
  /// From a batch to logits.
  package func forward(_ batch: Batch, parameters: UnsafePointer<Float>) {
    rows.fill(from: batch)
    let weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    encode(weights, parameters)
    predict(weights, parameters)
    decode(weights, parameters)
  }

  /// Each input word's bytes to its embedding e = W_E · norm(output at `[W]`).
  private func encode(_ weights: ModelMatrices, _ parameters: UnsafePointer<Float>) {
    let count = rows.encoderSymbols.count
    Vector.gatherRows(
      weights.byteEmbedding, indices: rows.encoderSymbols.base, into: encoder.input(rows: count))
    encoder.forward(segments: rows.inputWords, rows: count, parameters: parameters)
    let marks = view(places.marks, rows.words)
    Vector.gatherRows(encoder.output(rows: count), indices: rows.encoderOffsets.base, into: marks)
    let normalized = view(places.normalizedMarks, rows.words)
    RMSNorm.forward(
      marks, gain: weights.encoderNorm, into: normalized, inverseRoots: arena.base + places.markInverseRoots)
    MatrixProduct.linear(normalized, weight: weights.encoderOutput, into: wordEmbeddings)
  }

  /// Word embeddings to predictive embeddings h.
  private func predict(_ weights: ModelMatrices, _ parameters: UnsafePointer<Float>) {
    backbone.forward(segments: rows.pieces, rows: rows.words, parameters: parameters)
    RMSNorm.forward(
      backbone.output(rows: rows.words), gain: weights.backboneNorm, into: predictiveEmbeddings,
      inverseRoots: arena.base + places.backboneInverseRoots)
  }

  /// Predictive embeddings and the target words' bytes to logits.
  private func decode(_ weights: ModelMatrices, _ parameters: UnsafePointer<Float>) {
    let count = rows.decoderSymbols.count
    let input = decoder.input(rows: count)
    Vector.gatherRows(weights.byteEmbedding, indices: rows.decoderSymbols.base, into: input)
    let starts = view(places.decoderStarts, rows.words)
    MatrixProduct.linear(predictiveEmbeddings, weight: weights.decoderInput, into: starts)
    for word in 0..<rows.words {
      input.row(Int(rows.decoderOffsets.base[word])).update(from: starts.row(word), count: starts.columns)
    }
    decoder.forward(segments: rows.targetWords, rows: count, parameters: parameters)
    let decoded = view(places.decoded, count)
    RMSNorm.forward(
      decoder.output(rows: count), gain: weights.decoderNorm, into: decoded,
      inverseRoots: arena.base + places.decoderInverseRoots)
    MatrixProduct.linear(decoded, weight: weights.decoderHead, into: logits)
  }
}

/// The tensors outside the blocks in a buffer of the parameters' layout: weights, or their gradients.
struct ModelMatrices {
  /// [V, d]
  let byteEmbedding: MatrixView
  let encoderNorm: FloatPointer
  /// [D, d], W_E.
  let encoderOutput: MatrixView
  let backboneNorm: FloatPointer
  /// [d, D], W_D.
  let decoderInput: MatrixView
  let decoderNorm: FloatPointer
  /// [V, d]
  let decoderHead: MatrixView

  init(_ layout: ParameterLayout, _ model: ModelConfiguration, in buffer: FloatPointer) {
    let (d, width) = (model.byteWidth, model.width)
    byteEmbedding = MatrixView(buffer + layout.byteEmbedding, rows: 256, columns: d)
    encoderNorm = buffer + layout.encoder.norm
    encoderOutput = MatrixView(buffer + layout.encoderOutput, rows: width, columns: d)
    backboneNorm = buffer + layout.backbone.norm
    decoderInput = MatrixView(buffer + layout.decoderInput, rows: d, columns: width)
    decoderNorm = buffer + layout.decoder.norm
    decoderHead = MatrixView(buffer + layout.decoderHead, rows: 256, columns: d)
  }
}
