import Foundation
import HATStorage
import HATTerminal

/// What `benchmark generate` measured for one model at one batch size.
struct GenerationMeasurement: Codable {
  /// Reading prompts, or writing.
  struct Phase: Codable {
    /// Of text.
    var bytes: Int
    var seconds: Double
    var bytesPerSecond: Double
    /// Of matrix products and attention, without what caches save.
    var flopsPerByte: Double
    /// The fraction of word embeddings that were found in the cache; nil for a model without words.
    var embeddingHitRate: Double?
  }

  /// What was written behind a prompt.
  struct Document: Codable {
    var promptB64: Data
    var textB64: Data
  }

  var checkpoint: String
  /// Documents at once.
  var batch: Int
  var threads: Int
  var documents: Int
  var prompt: Phase
  var decode: Phase
  var peakResidentBytes: Int
  /// Of writing one document where each symbol rereads all text before it.
  var uncachedBytesPerSecond: Double
  /// Whether that gives the same bytes.
  var uncachedWritesTheSame: Bool
  /// Of all that was written.
  var textChecksum: Checksum
  /// In the order of `documents`; nil unless they are asked for.
  var texts: [Document]?
}

/// What `benchmark generate` measured for all models and batch sizes.
struct GenerationReport: Codable {
  /// The model's speed and work divided by the baseline's.
  struct Ratio: Codable {
    var batch: Int
    var promptBytesPerSecond: Double
    var promptFlopsPerByte: Double
    var decodeBytesPerSecond: Double
    var decodeFlopsPerByte: Double

    init(_ model: GenerationMeasurement, to baseline: GenerationMeasurement) {
      batch = model.batch
      promptBytesPerSecond = model.prompt.bytesPerSecond / baseline.prompt.bytesPerSecond
      promptFlopsPerByte = model.prompt.flopsPerByte / baseline.prompt.flopsPerByte
      decodeBytesPerSecond = model.decode.bytesPerSecond / baseline.decode.bytesPerSecond
      decodeFlopsPerByte = model.decode.flopsPerByte / baseline.decode.flopsPerByte
    }
  }

  var measurements: [GenerationMeasurement]
  /// At each batch size; none without a baseline.
  var ratios: [Ratio]
  /// Whether each model writes the same texts at every batch size.
  var batchesWriteTheSame: Bool

  /// - Parameter checkpoint: the model that is not the baseline.
  init(_ measurements: [GenerationMeasurement], checkpoint: String) {
    self.measurements = measurements
    ratios = measurements.filter { $0.checkpoint == checkpoint }.compactMap { model in
      measurements.first { $0.checkpoint != checkpoint && $0.batch == model.batch }
        .map { Ratio(model, to: $0) }
    }
    batchesWriteTheSame = Dictionary(grouping: measurements, by: \.checkpoint).values.allSatisfy { own in
      own.allSatisfy { $0.textChecksum == own[0].textChecksum }
    }
  }

  /// - Parameter json: what `show` has printed.
  init(parsing json: Data) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Self.self, from: json)
  }

  var isConsistent: Bool { batchesWriteTheSame && measurements.allSatisfy(\.uncachedWritesTheSame) }

  func show(json: Bool) throws {
    if json { return try JSONOutput.print(self) }
    TextTable.show([["", "batch", "prompt", "writing", "cached words", "memory"]] + measurements.map(speed))
    print("\nFLOPs per byte, and writing without caches")
    TextTable.show([["", "batch", "prompt", "writing", "without caches"]] + measurements.map(work))
    if !ratios.isEmpty {
      print("\nRatios to the baseline")
      TextTable.show([["batch", "prompt", "FLOPs", "writing", "FLOPs"]] + ratios.map(cells))
    }
    print(
      "\nWithout caches: \(measurements.allSatisfy(\.uncachedWritesTheSame) ? "the same text" : "A DIFFERENT TEXT")"
    )
    if Set(measurements.map(\.batch)).count > 1 {
      print("At every batch size: \(batchesWriteTheSame ? "the same text" : "A DIFFERENT TEXT")")
    }
  }

  private func speed(_ measured: GenerationMeasurement) -> [String] {
    [
      measured.checkpoint, String(measured.batch), rate(measured.prompt.bytesPerSecond),
      rate(measured.decode.bytesPerSecond),
      measured.decode.embeddingHitRate.map { "\(Amount.fixed(100 * $0, 1))%" } ?? "",
      Amount.memory(measured.peakResidentBytes),
    ]
  }

  private func work(_ measured: GenerationMeasurement) -> [String] {
    [
      measured.checkpoint, String(measured.batch), Amount.large(measured.prompt.flopsPerByte),
      Amount.large(measured.decode.flopsPerByte), rate(measured.uncachedBytesPerSecond),
    ]
  }

  private func cells(_ ratio: Ratio) -> [String] {
    [String(ratio.batch)]
      + [
        ratio.promptBytesPerSecond, ratio.promptFlopsPerByte, ratio.decodeBytesPerSecond,
        ratio.decodeFlopsPerByte,
      ].map { Amount.fixed($0, 2) }
  }

  private func rate(_ bytesPerSecond: Double) -> String { "\(Amount.bytes(Int(bytesPerSecond)))/s" }
}
