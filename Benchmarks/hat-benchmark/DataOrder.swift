import ArgumentParser
import HATRandom
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// How fast one rank gets its data, without training on it (docs/data-order.md).
struct DataOrder: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract:
      "Measure how fast a rank reads, packs and skips the sequences of a corpus, and how soon it resumes."
  )

  @Option(help: "A corpus made by preprocess.")
  var data: String

  @Option(help: "Most target words in a sequence.")
  var sequenceWords = 256

  @Option(help: "Most target bytes in a sequence.")
  var sequenceBytes = 2048

  @Option(help: "Seconds to measure each stage for.")
  var seconds = 3.0

  @Flag(help: "Print one JSON object per stage.")
  var json = false

  private static let resumes = 50

  func validate() throws {
    guard seconds > 0 else { throw ValidationError("--seconds must be above 0.") }
  }

  func run() throws {
    let corpus = try Corpus(opening: FilePath(data))
    try show(try resume(corpus))
    try show(
      try pass(corpus, stage: "build") { stream in
        var batch = Batch()
        return try stream.appendSequence(to: &batch)
      })
    try show(try pass(corpus, stage: "skip") { try $0.skipSequence() })
  }

  /// From a cursor to the first sequence, at places all over the corpus.
  private func resume(_ corpus: Corpus) throws -> DataStage {
    var random = RandomSource(keys: 1)
    var times: [Double] = []
    for _ in 0..<Self.resumes {
      let window = Int(random.nextUnit() * Double(try stream(corpus).windowCount))
      let cursor = StreamCursor(epoch: times.count, window: window, document: 0, word: 0)
      let start = ContinuousClock().now
      _ = try stream(corpus, cursor).nextSequence()
      times.append((ContinuousClock().now - start) / .seconds(1))
    }
    return DataStage(stage: "resume", sequences: times.count, seconds: times.sorted()[times.count / 2])
  }

  /// One sequence after the other, from the start; each epoch by a new stream, which has read nothing yet.
  /// - Parameter take: takes a sequence and returns its target bytes.
  private func pass(
    _ corpus: Corpus, stage: String, _ take: (TrainingStream) throws -> Int
  ) throws -> DataStage {
    var stream = try stream(corpus)
    var (sequences, bytes, elapsed) = (0, 0, 0.0)
    let start = ContinuousClock().now
    while elapsed < seconds {
      if stream.cursor.epoch > 0 { stream = try self.stream(corpus) }
      bytes += try take(stream)
      sequences += 1
      elapsed = (ContinuousClock().now - start) / .seconds(1)
    }
    return DataStage(
      stage: stage, sequences: sequences, seconds: elapsed, secondsPerSequence: elapsed / Double(sequences),
      bytesPerSecond: Double(bytes) / elapsed)
  }

  private func stream(_ corpus: Corpus, _ cursor: StreamCursor? = nil) throws -> TrainingStream {
    try TrainingStream(
      corpus: corpus, seed: 1, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes, cursor: cursor)
  }

  private func show(_ stage: DataStage) throws {
    if json { return try JSONOutput.print(stage) }
    if let bytesPerSecond = stage.bytesPerSecond, let seconds = stage.secondsPerSequence {
      print(
        "\(stage.stage): \(Amount.bytes(Int(bytesPerSecond)))/s, \(Amount.fixed(seconds * 1e6, 1)) µs per sequence"
      )
    } else {
      print("\(stage.stage): \(Amount.fixed(stage.seconds * 1e3, 2)) ms to the first sequence (median)")
    }
  }
}

/// What a stage measured.
private struct DataStage: Encodable {
  let stage: String
  let sequences: Int
  let seconds: Double
  var secondsPerSequence: Double?
  /// Of text, `[S]` counting as one.
  var bytesPerSecond: Double?
}
