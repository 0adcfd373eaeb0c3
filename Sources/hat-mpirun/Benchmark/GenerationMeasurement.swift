import HATStorage

/// What `benchmark generate` found of one model at one batch size.
struct GenerationMeasurement: Codable {
  /// Reading prompts, or writing.
  struct Phase: Codable {
    /// Of text.
    var bytes: Int
    var seconds: Double
    var bytesPerSecond: Double
    /// Of matrix products and attention, what caches save left out.
    var flopsPerByte: Double
    /// Word embeddings that need not be worked out, of those asked for; nil for a model without words.
    var embeddingHitRate: Double?
  }

  var checkpoint: String
  /// Documents at once.
  var batch: Int
  var threads: Int
  var documents: Int
  var prompt: Phase
  var decode: Phase
  var peakResidentBytes: Int
  /// Of writing one document where each symbol reads all text before it again.
  var uncachedBytesPerSecond: Double
  /// Whether that gives the same bytes.
  var uncachedWritesTheSame: Bool
  /// Of all that was written.
  var textChecksum: Checksum
}
