import HATKernels

/// Where the model finds a matrix: one tensor, or several one below the other.
struct MatrixPlace: Sendable {
  /// In floats of the flat buffer.
  let start: Int
  let rows: Int
  let columns: Int

  var range: Range<Int> { start..<start + rows * columns }
}

/// Where the model finds a norm's gain, [width].
struct GainPlace: Sendable {
  let start: Int
  let width: Int

  var range: Range<Int> { start..<start + width }
}

/// The tensors of the hierarchical model (docs/model.md §8), as the model uses them. Legend: `d` byte width, `D` backbone
/// width.
struct HierarchicalTensors: Sendable {
  let table: TensorTable

  /// [256, d]
  let byteEmbedding: MatrixPlace
  /// Each [n-gram rows, d].
  let encoderNgrams: NgramTables
  let encoder: StackTensors
  /// [D, d], W_E.
  let encoderOutput: MatrixPlace
  let backbone: StackTensors
  /// [d, D], W_D.
  let decoderInput: MatrixPlace
  /// Each [n-gram rows, d].
  let decoderNgrams: NgramTables
  /// Each [prefix n-gram rows, d].
  let decoderPrefixes: PrefixTables
  let decoder: StackTensors
  /// [256, d]
  let decoderHead: MatrixPlace

  init(_ model: ModelConfiguration) {
    precondition(model.kind == .hierarchical)
    var builder = TensorTableBuilder(model)
    let (d, width) = (model.byteWidth, model.width)
    byteEmbedding = builder.matrix(["byte_embedding": 256], columns: d, role: .embedding, unit: .front)
    encoderNgrams = builder.byteNgrams("encoder", model, unit: .front)
    encoder = builder.stack("encoder", model.encoder, unit: .front)
    encoderOutput = builder.matrix(["encoder.output_proj": width], columns: d, unit: .front)
    backbone = builder.backbone(model.backbone)
    decoderInput = builder.matrix(["decoder.input_proj": d], columns: width, unit: .back)
    decoderNgrams = builder.byteNgrams("decoder", model, unit: .back)
    decoderPrefixes = PrefixTables(
      places: builder.hashedTables(
        "decoder.prefix_ngrams", orders: 1..<model.prefixNgrams + 1,
        rows: model.prefixNgramRows ?? ModelConfiguration.defaultPrefixNgramRows, columns: d, unit: .back))
    decoder = builder.stack("decoder", model.decoder, unit: .back)
    decoderHead = builder.matrix(["decoder.head": 256], columns: d, role: .head, unit: .back)
    table = builder.table
  }
}

/// The tensors of the subword baseline (docs/subword.md), as the model uses them. Legend: V vocabulary, `D` width.
struct SubwordTensors: Sendable {
  let table: TensorTable

  /// [V, D]
  let tokenEmbedding: MatrixPlace
  /// Each [n-gram rows, D].
  let tokenNgrams: NgramTables
  let backbone: StackTensors
  /// [V, D]
  let head: MatrixPlace

  init(_ model: ModelConfiguration) {
    precondition(model.kind == .subword)
    var builder = TensorTableBuilder(model)
    let (tokens, width) = (model.vocabulary, model.width)
    tokenEmbedding = builder.matrix(
      ["token_embedding": tokens], columns: width, role: .embedding, unit: .front)
    tokenNgrams = builder.ngramTables(
      "token_ngrams", longest: model.tokenNgrams,
      rows: model.tokenNgramRows ?? ModelConfiguration.defaultNgramRows, columns: width, foldsCase: false,
      unit: .front)
    backbone = builder.backbone(model.backbone)
    head = builder.matrix(["head": tokens], columns: width, role: .head, unit: .back)
    table = builder.table
  }
}

/// The tensors of a stack of blocks.
struct StackTensors: Sendable {
  let blocks: [BlockTensors]
  /// The closing norm, which the module that uses the stack applies.
  let norm: GainPlace
}

/// One thing for each matrix and each gain of a block: its place, its weights, or its gradient. Legend: F MLP width.
struct BlockParts<Matrix, Gain> {
  let inputNorm: Gain
  /// [queryKeyValueWidth, width]: three tensors.
  let queryKeyValue: Matrix
  /// [width, queryWidth]
  let attentionOutput: Matrix
  /// Each [headSize]; nil for a stack without.
  let queryKeyNorm: QueryKeyPair<Gain>?
  let postAttentionNorm: Gain
  /// [2F, width]: two tensors.
  let gateUp: Matrix
  /// [width, F]
  let down: Matrix

  var matrices: [Matrix] { [queryKeyValue, attentionOutput, gateUp, down] }

  func map<NewMatrix, NewGain>(
    matrix: (Matrix) -> NewMatrix, gain: (Gain) -> NewGain
  ) -> BlockParts<NewMatrix, NewGain> {
    BlockParts<NewMatrix, NewGain>(
      inputNorm: gain(inputNorm), queryKeyValue: matrix(queryKeyValue),
      attentionOutput: matrix(attentionOutput), queryKeyNorm: queryKeyNorm?.map(gain),
      postAttentionNorm: gain(postAttentionNorm), gateUp: matrix(gateUp), down: matrix(down))
  }
}

/// One thing for the queries, and one for the keys.
struct QueryKeyPair<Part> {
  let queries: Part
  let keys: Part

  func map<NewPart>(_ transform: (Part) -> NewPart) -> QueryKeyPair<NewPart> {
    QueryKeyPair<NewPart>(queries: transform(queries), keys: transform(keys))
  }
}

extension QueryKeyPair: Sendable where Part: Sendable {}
extension BlockParts: Sendable where Matrix: Sendable, Gain: Sendable {}

typealias BlockTensors = BlockParts<MatrixPlace, GainPlace>
typealias BlockWeights = BlockParts<ConstantMatrixView, UnsafePointer<Float>>
typealias BlockWeightGradients = BlockParts<MatrixView, FloatPointer>

extension Weights {
  subscript(block: BlockTensors) -> BlockWeights { block.map(matrix: { self[$0] }, gain: { self[$0] }) }
}

extension Gradients {
  subscript(block: BlockTensors) -> BlockWeightGradients {
    block.map(matrix: { self[$0] }, gain: { self[$0] })
  }
}

extension TensorTableBuilder {
  fileprivate mutating func byteNgrams(
    _ module: String, _ model: ModelConfiguration, unit: ModelUnit
  ) -> NgramTables {
    ngramTables(
      "\(module).byte_ngrams", longest: model.byteNgrams,
      rows: model.byteNgramRows ?? ModelConfiguration.defaultNgramRows, columns: model.byteWidth,
      foldsCase: true, unit: unit)
  }

  /// A stack all of whose blocks are used together.
  fileprivate mutating func stack(_ name: String, _ shape: StackShape, unit: ModelUnit) -> StackTensors {
    let blocks = (0..<shape.layers).map { block("\(name).layers.\($0)", shape, unit: unit) }
    return StackTensors(blocks: blocks, norm: gain("\(name).norm", width: shape.width, unit: unit))
  }

  /// The stack whose blocks are used one at a time.
  fileprivate mutating func backbone(_ shape: StackShape) -> StackTensors {
    let blocks = (0..<shape.layers).map { block("backbone.layers.\($0)", shape, unit: .block($0)) }
    return StackTensors(blocks: blocks, norm: gain("backbone.norm", width: shape.width, unit: .back))
  }

  private mutating func block(_ name: String, _ shape: StackShape, unit: ModelUnit) -> BlockTensors {
    // Two outputs join the residual stream in every block: scaled so that it does not grow with depth.
    let outputScale = 1 / (2 * Double(shape.layers)).squareRoot()
    let (width, hidden, keyValues) = (shape.width, shape.mlpHidden, shape.keyValueWidth)
    return BlockTensors(
      inputNorm: gain("\(name).input_norm", width: width, unit: unit),
      queryKeyValue: matrix(
        [
          "\(name).attention.q_proj": shape.queryWidth, "\(name).attention.k_proj": keyValues,
          "\(name).attention.v_proj": keyValues,
        ], columns: width, unit: unit),
      attentionOutput: matrix(
        ["\(name).attention.o_proj": width], columns: shape.queryWidth, unit: unit, scale: outputScale),
      queryKeyNorm: shape.queryKeyNorm
        ? QueryKeyPair(queries: "q_norm", keys: "k_norm").map {
          gain("\(name).attention.\($0)", width: shape.headSize, unit: unit)
        } : nil,
      postAttentionNorm: gain("\(name).post_attention_norm", width: width, unit: unit),
      gateUp: matrix(
        ["\(name).mlp.gate_proj": hidden, "\(name).mlp.up_proj": hidden], columns: width, unit: unit),
      down: matrix(["\(name).mlp.down_proj": width], columns: hidden, unit: unit, scale: outputScale))
  }
}
