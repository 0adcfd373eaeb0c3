import HATCore
import HATStorage
import HATText

/// What a training may take.
public struct TrainingBudget: Sendable, Equatable {
  /// From start to end.
  public var hours: Double
  /// On all nodes together, spread over them evenly.
  public var ranks: Int
  public var nodes: Int
  /// Floating-point operations a second that a rank reaches in training, counted by the plain algorithm.
  public var flopsPerSecond: Double
  /// Bytes of memory; nil for no limit.
  public var memoryPerRank: Int?

  /// The share of the time that goes into steps. The rest is for start, evaluations and checkpoints.
  static let shareOfSteps = 0.95

  /// What hours may be.
  public static let hours = Double.leastNormalMagnitude...1_000_000

  public init(hours: Double, ranks: Int, nodes: Int, flopsPerSecond: Double, memoryPerRank: Int? = nil) {
    precondition(Self.hours.contains(hours) && 1...ranks ~= nodes && flopsPerSecond > 0)
    (self.hours, self.ranks, self.nodes) = (hours, ranks, nodes)
    (self.flopsPerSecond, self.memoryPerRank) = (flopsPerSecond, memoryPerRank)
  }

  /// Of all steps.
  var flops: Double { hours * 3600 * Self.shareOfSteps * Double(ranks) * flopsPerSecond }

  /// The time that a training of so many FLOPs takes, from start to end.
  func seconds(flops: Double) -> Double { flops / self.flops * hours * 3600 }
}

/// The text that a training may read.
public struct TrainingText: Sendable, Equatable {
  /// So many bytes can be read before any document is read again.
  public var bytes: Int
  public var bytesPerWord: Double
  public var maxWordBytes: Int

  public init(bytes: Int, bytesPerWord: Double, maxWordBytes: Int) {
    (self.bytes, self.bytesPerWord, self.maxWordBytes) = (bytes, bytesPerWord, maxWordBytes)
  }

  /// Of corpora by their weights: the one that ends first ends the text.
  /// - Throws: `UserError` of kind `invalidData` if a corpus has nothing to train on.
  public init(_ mixture: Mixture) throws {
    var (bytes, wordsPerByte) = (Double.infinity, 0.0)
    for part in mixture.parts {
      let counts = part.corpus.counts(.train)
      guard counts.bytes > 0 else {
        throw UserError(
          .invalidData, at: part.corpus.folder.string, "it has no text to train on",
          hint: "Preprocess more text, or with a smaller `holdout`.")
      }
      bytes = min(bytes, Double(counts.bytes) / part.weight)
      wordsPerByte += part.weight * Double(counts.words) / Double(counts.bytes)
    }
    self.init(
      bytes: Int(bytes), bytesPerWord: 1 / wordsPerByte, maxWordBytes: mixture.splitter.maximumWordBytes)
  }

  var assumed: AssumedText {
    AssumedText(bytesPerWord: bytesPerWord, bytesPerToken: AssumedText.english.bytesPerToken)
  }
}
