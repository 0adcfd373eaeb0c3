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
