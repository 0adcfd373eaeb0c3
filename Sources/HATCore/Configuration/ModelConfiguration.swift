import HATKernels
import HATStorage

/// The sizes of a model: of the three modules of the hierarchical one (docs/model.md §3–4), or of the baseline, which is a
/// backbone over tokens. Widths are in floats.
public struct ModelConfiguration: Sendable, Equatable {
  public var kind = ModelKind.hierarchical
  /// Tokens of the baseline.
  public var vocabulary = 8192
  /// The longest n-gram of tokens that the baseline looks up; 0 for none.
  public var tokenNgrams = 0
  /// Rows of each of its n-gram tables; nil for `defaultNgramRows`.
  public var tokenNgramRows: Int?
  /// Width `d` of encoder and decoder.
  public var byteWidth = 64
  public var byteHeadSize = 32
  /// MLP width of encoder and decoder; nil for the default rule.
  public var byteMLPHidden: Int?
  public var encoderLayers = 2
  public var decoderLayers = 2
  /// The longest n-gram of a word's bytes that encoder and decoder look up; 0 for none.
  public var byteNgrams = 0
  /// Rows of each of their n-gram tables; nil for `defaultNgramRows`.
  public var byteNgramRows: Int?
  /// Prefix tables of the decoder. 0: none. 1: one, of the word's bytes so far. 2: also one of these bytes behind the word before.
  public var prefixNgrams = 0
  /// Rows of each of these tables; nil for `defaultPrefixNgramRows`.
  public var prefixNgramRows: Int?
  /// Width `D` of the backbone.
  public var width = 128
  public var headSize = 32
  public var layers = 4
  /// Key and value heads of the backbone; nil for as many as query heads.
  public var keyValueHeads: Int?
  /// MLP width of the backbone; nil for the default rule.
  public var mlpHidden: Int?
  public var ropeTheta = 10_000.0
  /// Whether each head's queries and keys are normalised.
  public var queryKeyNorm = false
  /// Of the first values of matrices, heads included.
  public var initialDeviation = 0.02
  /// Of the first values of embeddings.
  public var embeddingDeviation = 0.02

  public init() {}
}

extension ModelConfiguration {
  public static let defaultNgramRows = 16_384
  public static let defaultPrefixNgramRows = 65_536
  /// The longest n-gram there may be a table for.
  static let longestNgrams = 2...8
  /// Rows an n-gram table may have.
  static let ngramRows = 1...16_777_216

  /// - Throws: `UserError` of kind `configuration` when it is not of that kind.
  public func require(_ kind: ModelKind, for purpose: String, at place: String) throws {
    guard self.kind != kind else { return }
    throw UserError(
      .configuration, at: place,
      "\(purpose) needs a model of kind \(kind.rawValue), this one is \(self.kind.rawValue)",
      hint: "Name another configuration.")
  }

  /// The same model, with numbers in the place of nil.
  var resolved: ModelConfiguration {
    var model = self
    model.keyValueHeads = keyValueHeads ?? heads
    model.mlpHidden = mlpHidden ?? StackShape.defaultMLPHidden(width: width)
    model.byteMLPHidden = byteMLPHidden ?? StackShape.defaultMLPHidden(width: byteWidth)
    model.tokenNgramRows = tokenNgramRows ?? Self.defaultNgramRows
    model.byteNgramRows = byteNgramRows ?? Self.defaultNgramRows
    model.prefixNgramRows = prefixNgramRows ?? Self.defaultPrefixNgramRows
    return model
  }

  public var byteHeads: Int { byteWidth / byteHeadSize }
  /// Query heads of the backbone, `H`.
  public var heads: Int { width / headSize }

  public var encoder: StackShape { byteStack(layers: encoderLayers, isCausal: false) }
  public var decoder: StackShape { byteStack(layers: decoderLayers, isCausal: true) }

  public var backbone: StackShape {
    StackShape(
      width: width, headSize: headSize, heads: heads, keyValueHeads: keyValueHeads ?? heads,
      mlpHidden: mlpHidden ?? StackShape.defaultMLPHidden(width: width), layers: layers, isCausal: true,
      ropeTheta: ropeTheta, queryKeyNorm: queryKeyNorm)
  }

  private func byteStack(layers: Int, isCausal: Bool) -> StackShape {
    StackShape(
      width: byteWidth, headSize: byteHeadSize, heads: byteHeads, keyValueHeads: byteHeads,
      mlpHidden: byteMLPHidden ?? StackShape.defaultMLPHidden(width: byteWidth), layers: layers,
      isCausal: isCausal, ropeTheta: ropeTheta, queryKeyNorm: queryKeyNorm)
  }
}

/// The shape of one stack of Llama-style blocks (docs/model.md §4).
public struct StackShape: Sendable, Equatable {
  /// Width of the residual stream.
  public var width: Int
  public var headSize: Int
  /// Query heads, `H`.
  public var heads: Int
  public var keyValueHeads: Int
  /// MLP width, `F`.
  public var mlpHidden: Int
  public var layers: Int
  /// Whether a position sees only those before it (and itself) in its segment.
  public var isCausal: Bool
  public var ropeTheta: Double
  /// Whether each head's queries and keys are normalised before rotation.
  public var queryKeyNorm: Bool

  /// ⌈(8/3)·width / 32⌉·32.
  public static func defaultMLPHidden(width: Int) -> Int { (8 * width + 95) / 96 * 32 }

  /// Heads · headSize: columns of the queries, and of what attention gives.
  public var queryWidth: Int { heads * headSize }
  /// Columns of the keys, and of the values.
  public var keyValueWidth: Int { keyValueHeads * headSize }
  /// Columns of queries, keys and values side by side.
  public var queryKeyValueWidth: Int { queryWidth + 2 * keyValueWidth }

  var attention: AttentionShape {
    AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headSize, causal: isCausal)
  }
}
