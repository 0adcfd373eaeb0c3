/// The name, shape and place of every tensor in the one flat parameter buffer.
///
/// Parameters, gradients and both moments are buffers of this layout; a rank's share is a range of it. Query, key
/// and value projections (and gate and up) lie behind each other: one matrix inside, separate tensors outside.
public struct ParameterLayout: Sendable {
  /// Floats in the buffer.
  public let count: Int
  public let tensors: [ParameterTensor]
  /// Parts of the model that are computed as one: the embedding, each block, each module's closing matrices.
  public let units: [ParameterUnit]
  /// The backbone's blocks, which lie behind each other.
  public let blocks: [Range<Int>]

  let byteEmbedding: Int
  let encoder: StackOffsets
  let encoderOutput: Int
  let backbone: StackOffsets
  let decoderInput: Int
  let decoder: StackOffsets
  let decoderHead: Int

  public init(_ model: ModelConfiguration) {
    var builder = Builder()
    let (d, width) = (model.byteWidth, model.width)
    byteEmbedding = builder.unit("byte_embedding") { $0.matrix("byte_embedding", [256, d]) }
    encoder = builder.stack("encoder", model.encoder)
    encoderOutput = builder.unit("encoder.output_proj") { $0.matrix("encoder.output_proj", [width, d]) }
    backbone = builder.stack("backbone", model.backbone)
    decoderInput = builder.unit("decoder.input_proj") { $0.matrix("decoder.input_proj", [d, width]) }
    decoder = builder.stack("decoder", model.decoder)
    decoderHead = builder.unit("decoder.head") { $0.matrix("decoder.head", [256, d]) }
    count = builder.count
    tensors = builder.tensors
    units = builder.units
    blocks = units.filter { $0.name.hasPrefix("backbone.layers.") }.map(\.range)
  }

  /// What lies before the backbone's blocks: byte embedding and encoder.
  public var front: Range<Int> { 0..<blocks.first!.lowerBound }
  /// What lies behind them: the backbone's closing norm and the decoder.
  public var back: Range<Int> { blocks.last!.upperBound..<count }
}

/// A run of tensors that are computed, and may be fetched and dropped, together.
public struct ParameterUnit: Sendable, Equatable {
  public let name: String
  /// In floats of the flat buffer.
  public let range: Range<Int>
}

/// Where the tensors of one block start in the flat buffer.
struct BlockOffsets: Sendable {
  var inputNorm = 0
  /// [queryKeyValueWidth, width]
  var queryKeyValue = 0
  /// [width, queryWidth]
  var attentionOutput = 0
  var postAttentionNorm = 0
  /// [2F, width]
  var gateUp = 0
  /// [width, F]
  var down = 0
}

/// Where the tensors of a stack start.
struct StackOffsets: Sendable {
  var blocks: [BlockOffsets]
  var norm: Int
}

/// Lays tensors behind each other.
private struct Builder {
  var tensors: [ParameterTensor] = []
  var units: [ParameterUnit] = []
  var count = 0

  mutating func unit<Result>(_ name: String, _ build: (inout Builder) -> Result) -> Result {
    let start = count
    let result = build(&self)
    units.append(ParameterUnit(name: name, range: start..<count))
    return result
  }

  mutating func matrix(_ name: String, _ shape: [Int], scale: Double = 1) -> Int {
    append(name, shape, deviation: 0.02 * scale)
  }

  mutating func norm(_ name: String, _ width: Int) -> Int {
    append(name, [width], deviation: nil)
  }

  private mutating func append(_ name: String, _ shape: [Int], deviation: Double?) -> Int {
    let start = count
    count += shape.reduce(1, *)
    tensors.append(
      ParameterTensor(
        name: "\(name).weight", shape: shape, range: start..<count, initialDeviation: deviation))
    return start
  }

  mutating func stack(_ name: String, _ shape: StackShape) -> StackOffsets {
    let blocks = (0..<shape.layers).map { layer in
      unit("\(name).layers.\(layer)") { $0.block("\(name).layers.\(layer)", shape) }
    }
    return StackOffsets(blocks: blocks, norm: unit("\(name).norm") { $0.norm("\(name).norm", shape.width) })
  }

  private mutating func block(_ name: String, _ shape: StackShape) -> BlockOffsets {
    // Two outputs join the residual stream in every layer: scaled so that it does not grow with depth.
    let outputScale = 1 / (2 * Double(shape.layers)).squareRoot()
    var offsets = BlockOffsets()
    offsets.inputNorm = norm("\(name).input_norm", shape.width)
    offsets.queryKeyValue = matrix("\(name).attention.q_proj", [shape.queryWidth, shape.width])
    _ = matrix("\(name).attention.k_proj", [shape.keyValueWidth, shape.width])
    _ = matrix("\(name).attention.v_proj", [shape.keyValueWidth, shape.width])
    offsets.attentionOutput = matrix(
      "\(name).attention.o_proj", [shape.width, shape.queryWidth], scale: outputScale)
    offsets.postAttentionNorm = norm("\(name).post_attention_norm", shape.width)
    offsets.gateUp = matrix("\(name).mlp.gate_proj", [shape.mlpHidden, shape.width])
    _ = matrix("\(name).mlp.up_proj", [shape.mlpHidden, shape.width])
    offsets.down = matrix("\(name).mlp.down_proj", [shape.width, shape.mlpHidden], scale: outputScale)
    return offsets
  }
}
