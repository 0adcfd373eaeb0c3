/// The sizes of a hierarchical transformer, in the words of docs/model.md.
public struct OracleShape: Sendable, Hashable {
  public var byteWidth: Int
  public var byteHeadSize: Int
  public var encoderLayers: Int
  public var decoderLayers: Int
  public var width: Int
  public var headSize: Int
  public var layers: Int
  public var keyValueHeads: Int
  /// Hidden width of the MLPs in encoder and decoder.
  public var byteHidden: Int
  /// Hidden width of the backbone's MLPs.
  public var hidden: Int
  public var ropeTheta: Double
  /// Of bytes in encoder and decoder, or of tokens in the baseline.
  public var ngrams: OracleNgrams
  /// Of the decoder.
  public var prefixes: OraclePrefixes
  /// Whether queries and keys have a norm in each head.
  public var queryKeyNorm: Bool

  public init(
    byteWidth: Int, byteHeadSize: Int, encoderLayers: Int, decoderLayers: Int, width: Int, headSize: Int,
    layers: Int, keyValueHeads: Int, byteHidden: Int, hidden: Int, ropeTheta: Double = 10_000,
    ngrams: OracleNgrams = OracleNgrams(), prefixes: OraclePrefixes = OraclePrefixes(),
    queryKeyNorm: Bool = false
  ) {
    self.byteWidth = byteWidth
    self.byteHeadSize = byteHeadSize
    self.encoderLayers = encoderLayers
    self.decoderLayers = decoderLayers
    self.width = width
    self.headSize = headSize
    self.layers = layers
    self.keyValueHeads = keyValueHeads
    self.byteHidden = byteHidden
    self.hidden = hidden
    self.ropeTheta = ropeTheta
    self.ngrams = ngrams
    self.prefixes = prefixes
    self.queryKeyNorm = queryKeyNorm
  }
}

extension OracleShape {
  /// Name and shape of every tensor, in the order of docs/model.md §8.
  public var tensors: [(name: String, shape: [Int])] {
    var list: [(name: String, shape: [Int])] = [("byte_embedding.weight", [256, byteWidth])]
    list += ngrams.tensors("encoder.byte_ngrams", width: byteWidth)
    list += moduleTensors(.encoder) + [("encoder.output_proj.weight", [width, byteWidth])]
    list += moduleTensors(.backbone)
    list += [("decoder.input_proj.weight", [byteWidth, width])]
    list += ngrams.tensors("decoder.byte_ngrams", width: byteWidth) + prefixes.tensors(width: byteWidth)
    list += moduleTensors(.decoder)
    return list + [("decoder.head.weight", [256, byteWidth])]
  }

  func moduleTensors(_ module: OracleModule) -> [(name: String, shape: [Int])] {
    let stack = stack(module)
    let keyValueWidth = stack.keyValueHeads * stack.headSize
    var list: [(name: String, shape: [Int])] = []
    for layer in 0..<stack.layers {
      let prefix = "\(module.rawValue).layers.\(layer)."
      list += [
        (prefix + "input_norm.weight", [stack.width]),
        (prefix + "attention.q_proj.weight", [stack.width, stack.width]),
        (prefix + "attention.k_proj.weight", [keyValueWidth, stack.width]),
        (prefix + "attention.v_proj.weight", [keyValueWidth, stack.width]),
        (prefix + "attention.o_proj.weight", [stack.width, stack.width]),
      ]
      if queryKeyNorm {
        list += ["q", "k"].map { (prefix + "attention.\($0)_norm.weight", [stack.headSize]) }
      }
      list += [
        (prefix + "post_attention_norm.weight", [stack.width]),
        (prefix + "mlp.gate_proj.weight", [stack.hidden, stack.width]),
        (prefix + "mlp.up_proj.weight", [stack.hidden, stack.width]),
        (prefix + "mlp.down_proj.weight", [stack.width, stack.hidden]),
      ]
    }
    return list + [("\(module.rawValue).norm.weight", [stack.width])]
  }
}

/// The three stacks of docs/model.md §4, by the first part of their parameters' names.
enum OracleModule: String {
  case encoder, backbone, decoder
}

/// The sizes of one stack of blocks.
struct OracleStack {
  var layers: Int
  var width: Int
  var headSize: Int
  var keyValueHeads: Int
  var hidden: Int
  /// Whether an element sees only itself and those before it.
  var causal: Bool
}

extension OracleShape {
  func stack(_ module: OracleModule) -> OracleStack {
    switch module {
    case .encoder:
      OracleStack(
        layers: encoderLayers, width: byteWidth, headSize: byteHeadSize,
        keyValueHeads: byteWidth / byteHeadSize, hidden: byteHidden, causal: false)
    case .backbone:
      OracleStack(
        layers: layers, width: width, headSize: headSize, keyValueHeads: keyValueHeads, hidden: hidden,
        causal: true)
    case .decoder:
      OracleStack(
        layers: decoderLayers, width: byteWidth, headSize: byteHeadSize,
        keyValueHeads: byteWidth / byteHeadSize, hidden: byteHidden, causal: true)
    }
  }
}
