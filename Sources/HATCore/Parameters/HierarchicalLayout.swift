/// Where the tensors of the hierarchical model start in the flat buffer.
struct HierarchicalLayout: Sendable {
  let flat: ParameterLayout

  let byteEmbedding: Int
  let encoder: StackOffsets
  let encoderOutput: Int
  let backbone: StackOffsets
  let decoderInput: Int
  let decoder: StackOffsets
  let decoderHead: Int

  init(_ model: ModelConfiguration) {
    precondition(model.kind == .hierarchical)
    var builder = ParameterLayoutBuilder()
    let (d, width) = (model.byteWidth, model.width)
    byteEmbedding = builder.unit("byte_embedding") { $0.matrix("byte_embedding", [256, d]) }
    encoder = builder.stack("encoder", model.encoder)
    encoderOutput = builder.unit("encoder.output_proj") { $0.matrix("encoder.output_proj", [width, d]) }
    backbone = builder.stack("backbone", model.backbone)
    decoderInput = builder.unit("decoder.input_proj") { $0.matrix("decoder.input_proj", [d, width]) }
    decoder = builder.stack("decoder", model.decoder)
    decoderHead = builder.unit("decoder.head") { $0.matrix("decoder.head", [256, d]) }
    flat = ParameterLayout(builder)
  }
}
