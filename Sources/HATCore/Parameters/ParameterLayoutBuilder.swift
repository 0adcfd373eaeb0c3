/// Lays tensors behind each other.
struct ParameterLayoutBuilder {
  private(set) var tensors: [ParameterTensor] = []
  private(set) var units: [ParameterUnit] = []
  private(set) var count = 0

  mutating func unit<Result>(_ name: String, _ build: (inout ParameterLayoutBuilder) -> Result) -> Result {
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
