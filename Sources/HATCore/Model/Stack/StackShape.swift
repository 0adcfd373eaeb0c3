import HATKernels

/// The shape of one stack of Llama-style blocks (model.md §4).
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

  /// ⌈(8/3)·width / 32⌉·32.
  public static func defaultMLPHidden(width: Int) -> Int {
    (8 * width + 95) / 96 * 32
  }

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
