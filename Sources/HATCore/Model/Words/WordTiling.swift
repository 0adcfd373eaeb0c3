/// How large the tiles are that the byte modules run over.
enum WordTiling {
  /// Rows whose activations stay near the core, with the weights.
  private static let rows = 256
  /// Rows where the weights do not: so many that reading them for each tile, and their gradients, costs little.
  private static let rowsOfLargeStack = 1024
  /// Bytes of weights that stay near the core: a second-level cache.
  private static let nearBytes = 2 << 20

  /// Rows of a tile, at most; the longest word fits.
  static func rows(_ model: ModelConfiguration, longestWord bytes: Int) -> Int {
    let weights = [model.encoder, model.decoder].map { $0.layers * $0.blockMatrixParameters }.max()!
    let areNear = weights * MemoryLayout<Float>.size <= nearBytes
    return max(areNear ? rows : rowsOfLargeStack, bytes + 1)
  }
}
