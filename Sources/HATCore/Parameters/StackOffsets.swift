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
