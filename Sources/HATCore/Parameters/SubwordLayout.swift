/// Where the tensors of the subword baseline start in the flat buffer (docs/subword.md).
struct SubwordLayout: Sendable {
  let flat: ParameterLayout

  let tokenEmbedding: Int
  let backbone: StackOffsets
  let head: Int

  init(_ model: ModelConfiguration) {
    precondition(model.kind == .subword)
    var builder = ParameterLayoutBuilder()
    let shape = [model.vocabulary, model.width]
    tokenEmbedding = builder.unit("token_embedding") { $0.matrix("token_embedding", shape) }
    backbone = builder.stack("backbone", model.backbone)
    head = builder.unit("head") { $0.matrix("head", shape) }
    flat = ParameterLayout(builder)
  }
}
