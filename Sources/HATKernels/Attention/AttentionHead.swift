/// The columns one query head uses of the matrices around attention.
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
