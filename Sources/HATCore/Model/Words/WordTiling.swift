/// How large the tiles are that the byte modules run over.
enum WordTiling {
  /// Rows that, with their activations and the weights, stay near the core (docs/performance.md).
  private static let preferredRows = 96

  /// Rows of a tile, at most; the longest word fits.
  static func rows(longestWord bytes: Int) -> Int {
    max(preferredRows, bytes + 1)
  }
}
