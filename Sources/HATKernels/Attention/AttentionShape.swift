/// The shape of self-attention over rows of queries | keys | values.
public struct AttentionShape: Sendable, Equatable {
  public let heads: Int
  /// Divides `heads`: query heads h·g … h·g + g - 1 read key and value head h, where g = heads / keyValueHeads.
  public let keyValueHeads: Int
  /// Even.
  public let headSize: Int
  /// Whether a row sees only itself and the rows before it in its segment.
  public let causal: Bool

  public init(heads: Int, keyValueHeads: Int, headSize: Int, causal: Bool) {
    precondition(heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0)
    precondition(headSize >= 2 && headSize % 2 == 0)
    (self.heads, self.keyValueHeads) = (heads, keyValueHeads)
    (self.headSize, self.causal) = (headSize, causal)
  }

  /// The query heads that read these key and value heads.
  func queryHeads(of keyValueHeads: Range<Int>) -> Range<Int> {
    let group = heads / self.keyValueHeads
    return keyValueHeads.lowerBound * group..<keyValueHeads.upperBound * group
  }

  /// The factor on every score: 1 / sqrt(headSize).
  public var scale: Float { 1 / Float(headSize).squareRoot() }
  /// The columns of the queries, and of the output.
  public var queryWidth: Int { heads * headSize }
  /// The columns of the keys, and of the values.
  public var keyValueWidth: Int { keyValueHeads * headSize }
  /// The columns of queries | keys | values.
  public var totalWidth: Int { queryWidth + 2 * keyValueWidth }
}

/// The columns of the matrices around attention that one query head uses.
struct AttentionHead {
  let index: Int
  let query: Range<Int>
  let key: Range<Int>
  let value: Range<Int>
  /// Whether this is the first query head of its key and value head.
  let startsGroup: Bool

  @inline(__always)
  init(_ index: Int, of shape: AttentionShape) {
    self.index = index
    let groupSize = shape.heads / shape.keyValueHeads
    let keyColumn = shape.queryWidth + index / groupSize * shape.headSize
    let valueColumn = keyColumn + shape.keyValueWidth
    query = index * shape.headSize..<(index + 1) * shape.headSize
    key = keyColumn..<keyColumn + shape.headSize
    value = valueColumn..<valueColumn + shape.headSize
    startsGroup = index % groupSize == 0
  }
}

/// Which rows belong together: segment i (a word or a document) is rows `offsets[i]..<offsets[i + 1]`.
public struct Segments {
  /// [count + 1], not decreasing.
  public let offsets: UnsafePointer<Int32>
  public let count: Int

  public init(offsets: UnsafePointer<Int32>, count: Int) {
    precondition(count >= 0)
    (self.offsets, self.count) = (offsets, count)
  }

  /// Some of the segments; their rows keep their numbers.
  public subscript(range: Range<Int>) -> Segments {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return Segments(offsets: offsets + range.lowerBound, count: range.count)
  }

  public func rows(_ index: Int) -> Range<Int> {
    Int(offsets[index])..<Int(offsets[index + 1])
  }

  /// Rows of the longest.
  public var longest: Int { (0..<count).reduce(0) { max($0, rows($1).count) } }
}
