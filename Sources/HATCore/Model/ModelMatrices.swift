import HATKernels

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

  init(_ layout: HierarchicalLayout, _ model: ModelConfiguration, in buffer: FloatPointer) {
    self.init(layout, model, front: buffer, back: buffer)
  }

  /// - Parameters:
  ///   - front: the buffer as far as it concerns what stands before the backbone's blocks.
  ///   - back: the buffer as far as it concerns what stands behind them.
  init(_ layout: HierarchicalLayout, _ model: ModelConfiguration, front: FloatPointer, back: FloatPointer) {
    let (d, width) = (model.byteWidth, model.width)
    byteEmbedding = MatrixView(front + layout.byteEmbedding, rows: 256, columns: d)
    encoderNorm = front + layout.encoder.norm
    encoderOutput = MatrixView(front + layout.encoderOutput, rows: width, columns: d)
    backboneNorm = back + layout.backbone.norm
    decoderInput = MatrixView(back + layout.decoderInput, rows: d, columns: width)
    decoderNorm = back + layout.decoder.norm
    decoderHead = MatrixView(back + layout.decoderHead, rows: 256, columns: d)
  }
}
