/// The shape of self-attention over rows of queries | keys | values.
public struct AttentionShape: Sendable, Equatable {
  public let heads: Int
  /// Divides `heads`: query heads h·g … h·g + g - 1 read key and value head h, g = heads / keyValueHeads.
  public let keyValueHeads: Int
  /// Even.
  public let headSize: Int
  /// Whether a row sees only itself and the rows before it in its segment.
  public let causal: Bool

  public init(heads: Int, keyValueHeads: Int, headSize: Int, causal: Bool) {
    precondition(heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0)
    precondition(headSize >= 2 && headSize % 2 == 0)
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.causal = causal
  }

  /// The query heads that read some key and value heads.
  func queryHeads(of keyValueHeads: Range<Int>) -> Range<Int> {
    let group = heads / self.keyValueHeads
    return keyValueHeads.lowerBound * group..<keyValueHeads.upperBound * group
  }

  /// Factor on every score: 1 / sqrt(headSize).
  public var scale: Float { 1 / Float(headSize).squareRoot() }
  /// Columns of the queries, and of the output.
  public var queryWidth: Int { heads * headSize }
  /// Columns of the keys, and of the values.
  public var keyValueWidth: Int { keyValueHeads * headSize }
  /// Columns of queries | keys | values.
  public var totalWidth: Int { queryWidth + 2 * keyValueWidth }
}
