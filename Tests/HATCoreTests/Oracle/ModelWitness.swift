import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// The product's model beside the oracle's, with the same parameters.
final class ModelWitness {
  let configuration: ModelConfiguration
  let shape: OracleShape
  let oracle: OracleModel
  let model: HierarchicalTransformer
  let parameters: FloatBuffer
  /// Those parameters, as a model reads them.
  let weights: ModelWeights
  let gradient: FloatBuffer

  init(
    _ configuration: ModelConfiguration, seed: UInt64, by arithmetic: ProductArithmetic = .fusedMultiplyAdds,
    capacity: BatchCapacity = BatchCapacity(sequences: 1, sequenceWords: 256, maxWordBytes: 64)
  ) {
    self.configuration = configuration
    shape = OracleShape(configuration)
    let values = OracleParameters.random(shape, seed: seed)
    oracle = OracleModel(shape: shape, parameters: values)
    model = HierarchicalTransformer(configuration, Execution(capacity: capacity, arithmetic: arithmetic))
    parameters = FloatBuffer(zeroed: model.table.count)
    weights = ModelWeights(model.table, in: parameters)
    gradient = FloatBuffer(zeroed: model.table.count)
    for tensor in model.table.tensors {
      for (index, value) in zip(tensor.range, values.tensors[tensor.name]!.values) {
        parameters.base[index] = Float(value)
      }
    }
  }

  /// Makes all values of some tensors the same.
  func fill(_ names: [String], with value: Float) {
    for tensor in model.table.tensors where names.contains(tensor.name) {
      parameters.elements[tensor.range].update(repeating: value)
    }
  }

  /// The loss of a batch; afterwards `gradients` holds that batch's.
  func lossAndGradient(_ batch: Batch) -> LossSum {
    model.lossAndGradient(batch, FlatMemory(weights, gradient: gradient))
  }

  func gradient(of tensor: Tensor) -> [Double] {
    tensor.range.map { Double(gradient.base[$0]) }
  }

  /// What the model says about a batch before any loss.
  func predictions(_ batch: Batch) -> Predictions {
    let predictions = model.predictions(batch, weights)
    return Predictions(
      logits: rows(predictions.logits, 256),
      wordEmbeddings: rows(predictions.wordEmbeddings, configuration.width),
      predictiveEmbeddings: rows(predictions.predictiveEmbeddings, configuration.width))
  }

  private func rows(_ buffer: FloatBuffer, _ columns: Int) -> [[Float]] {
    stride(from: 0, to: buffer.count, by: columns).map { Array(buffer.elements[$0..<$0 + columns]) }
  }
}

/// Legend: P target positions, I input words.
struct Predictions {
  /// [P][256]
  var logits: [[Float]]
  /// [I][D]
  var wordEmbeddings: [[Float]]
  /// [I][D]
  var predictiveEmbeddings: [[Float]]
}

extension MatrixView {
  var rowArrays: [[Float]] {
    (0..<rows).map { Array(UnsafeBufferPointer(start: row($0), count: columns)) }
  }
}

extension OracleShape {
  /// The default MLP width is worked out here once more, from docs/model.md §4.
  init(_ model: ModelConfiguration) {
    func defaultHidden(_ width: Int) -> Int { (8 * width + 95) / 96 * 32 }
    self.init(
      byteWidth: model.byteWidth, byteHeadSize: model.byteHeadSize, encoderLayers: model.encoderLayers,
      decoderLayers: model.decoderLayers, width: model.width, headSize: model.headSize, layers: model.layers,
      keyValueHeads: model.keyValueHeads ?? model.width / model.headSize,
      byteHidden: model.byteMLPHidden ?? defaultHidden(model.byteWidth),
      hidden: model.mlpHidden ?? defaultHidden(model.width), ropeTheta: model.ropeTheta,
      ngrams: model.kind == .hierarchical
        ? OracleNgrams(
          longest: model.byteNgrams, rows: model.byteNgramRows ?? 16_384, foldsCase: true)
        : OracleNgrams(longest: model.tokenNgrams, rows: model.tokenNgramRows ?? 16_384),
      prefixes: OraclePrefixes(longest: model.prefixNgrams, rows: model.prefixNgramRows ?? 65_536),
      queryKeyNorm: model.queryKeyNorm)
  }
}

extension ModelConfiguration {
  /// Small models that differ in everything a model can differ in: grouped-query attention with one shared head
  /// and with several, unequal depths, widths that fill no vector, MLP widths by rule and by hand, n-grams and prefixes that share the
  /// few rows of their tables, in stacks of several blocks and of one, norms of queries and keys.
  static let tinySamples: [ModelConfiguration] = [
    sample(byte: (8, 4), layers: (2, 2, 2), backbone: (16, 4), keyValueHeads: 2),
    sample(byte: (8, 8), layers: (1, 2, 3), backbone: (24, 4), keyValueHeads: 1, hidden: (20, 36)),
    sample(byte: (12, 6), layers: (2, 1, 1), backbone: (18, 6), keyValueHeads: nil, hidden: (10, 14)),
    sample(byte: (16, 8), layers: (1, 1, 2), backbone: (32, 8), keyValueHeads: 4, theta: 100),
    sample(byte: (6, 2), layers: (3, 2, 2), backbone: (20, 10), keyValueHeads: 1, hidden: (9, nil)),
    sample(byte: (8, 4), layers: (2, 2, 1), backbone: (16, 4), keyValueHeads: nil, ngrams: (5, 11)),
    sample(byte: (12, 6), layers: (1, 1, 1), backbone: (16, 8), keyValueHeads: 1, ngrams: (2, 64)),
    sample(byte: (8, 4), layers: (2, 2, 2), backbone: (16, 4), keyValueHeads: 2, queryKeyNorm: true),
    sample(
      byte: (12, 6), layers: (1, 1, 1), backbone: (20, 10), keyValueHeads: nil, queryKeyNorm: true),
    sample(
      byte: (8, 2), layers: (1, 2, 2), backbone: (18, 6), keyValueHeads: 1, ngrams: (3, 11),
      queryKeyNorm: true),
    sample(byte: (8, 4), layers: (1, 1, 1), backbone: (16, 4), keyValueHeads: nil, prefixes: (2, 13)),
    sample(
      byte: (12, 6), layers: (2, 2, 1), backbone: (16, 8), keyValueHeads: 1, ngrams: (3, 11),
      prefixes: (1, 9)),
  ]

  private static func sample(
    byte: (width: Int, headSize: Int), layers: (encoder: Int, decoder: Int, backbone: Int),
    backbone: (width: Int, headSize: Int), keyValueHeads: Int?,
    hidden: (byte: Int?, backbone: Int?) = (nil, nil), theta: Double = 10_000,
    ngrams: (longest: Int, rows: Int?) = (0, nil), prefixes: (longest: Int, rows: Int?) = (0, nil),
    queryKeyNorm: Bool = false
  ) -> ModelConfiguration {
    var model = ModelConfiguration()
    model.byteWidth = byte.width
    model.byteHeadSize = byte.headSize
    model.byteMLPHidden = hidden.byte
    model.encoderLayers = layers.encoder
    model.decoderLayers = layers.decoder
    model.width = backbone.width
    model.headSize = backbone.headSize
    model.layers = layers.backbone
    model.keyValueHeads = keyValueHeads
    model.mlpHidden = hidden.backbone
    model.ropeTheta = theta
    (model.byteNgrams, model.byteNgramRows) = ngrams
    (model.prefixNgrams, model.prefixNgramRows) = prefixes
    model.queryKeyNorm = queryKeyNorm
    return model
  }
}

/// The largest difference, measured against the largest true value.
func expectClose(
  _ values: [Float], _ truth: [Double], _ name: String, tolerance: Double = 5e-5,
  location: SourceLocation = #_sourceLocation
) {
  #expect(values.count == truth.count, "\(name)", sourceLocation: location)
  let largest = truth.reduce(0) { max($0, abs($1)) }
  let difference = zip(values, truth).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  // A NaN compares false and so fails.
  #expect(
    difference <= tolerance * largest, "\(name): off by \(difference), largest \(largest)",
    sourceLocation: location)
  let isFinite = values.allSatisfy { $0.isFinite }
  #expect(isFinite, "\(name) is finite", sourceLocation: location)
}
