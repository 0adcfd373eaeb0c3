import ArgumentParser
import Foundation
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// How fast text becomes shards.
struct Preprocessing: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preprocess",
    abstract: "Measure preprocessing: the splitter alone, and all of it.",
    discussion: """
      Stage `split` is the splitting rule on text in memory, on one core. Stage `preprocess` is all of preprocessing, \
      from input that has been read once before to shards on the disk, on all ranks. Rates are bytes of text per second; \
      reported are the median of several runs, the slowest and the fastest.
      """)

  @Option(help: "A splitting rule; may be given several times.")
  var split = ["whitespace", "unicode"]

  @Option(help: "The zstd level, 1 to 19.")
  var level = 3

  @Option(help: "The field of a JSON object that holds the text.")
  var field = "text"

  @Option(help: "Runs of each stage.")
  var runs = 5

  @Option(help: "Folder to write to; what is written is removed afterwards.")
  var scratch = FileManager.default.temporaryDirectory.path

  @Option(help: "Start mpirun with this many ranks (default: one process).")
  var ranks: Int?

  @Flag(help: "Print one JSON object per line.")
  var json = false

  @Argument(help: "Files or folders.")
  var input: [String]

  func validate() throws {
    guard runs >= 1 else { throw ValidationError("--runs must be at least 1.") }
    guard ranks ?? 1 >= 1 else { throw ValidationError("--ranks must be at least 1.") }
    guard !input.contains("-") else { throw ValidationError("Standard input can be read only once.") }
  }

  func run() throws {
    guard let ranks, Launcher.current == nil else { StandardStreams.end(RankProgram.run(measure)) }
    StandardStreams.end(try RankProgram.start(ranks: ranks))
  }

  /// - Returns: the exit code.
  private func measure(on communicator: any Communicator) throws -> Int32 {
    try communicator.together { try RankProgram.require(ranks: ranks, of: communicator) }
    let folder = FilePath(
      try communicator.onFirstRank { "\(scratch)/hat-benchmark-\(ProcessInfo.processInfo.processIdentifier)" }
    )
    defer { if communicator.rank == 0 { try? DurableFile.remove(folder) } }
    for rule in split {
      let whole = try (0..<runs).map { _ in try preprocess(rule, into: folder, on: communicator) }
      try show(
        PreprocessRate(stage: "preprocess", rule: rule, ranks: communicator.size, runs: whole), communicator)
      let splitting = try communicator.onFirstRank { try splitRates(of: folder) }
      try show(PreprocessRate(stage: "split", rule: rule, ranks: 1, runs: splitting), communicator)
    }
    return 0
  }

  /// - Returns: bytes of text per second and core.
  private func preprocess(
    _ rule: String, into folder: FilePath, on communicator: any Communicator
  ) throws -> Double {
    let preprocessor = try communicator.together {
      if communicator.rank == 0 { try DurableFile.remove(folder) }
      let inputs = try InputFile.list(input)
      return try Preprocessor(
        inputs: inputs, settings: settings(rule, inputs, communicator.size), output: folder)
    }
    let started = ContinuousClock.now
    let manifest = try preprocessor.run(sharing: RankWorkSharing(communicator)).manifest
    let seconds = (ContinuousClock.now - started).seconds
    return Double(manifest.train.counts.bytes + manifest.holdout.counts.bytes) / seconds
      / Double(communicator.size)
  }

  /// Shards so small that every rank gets several.
  private func settings(_ rule: String, _ inputs: [InputFile], _ ranks: Int) throws -> PreprocessSettings {
    var settings = PreprocessSettings(splitter: try WordSplitter(SplittingRule(parsing: rule)))
    (settings.field, settings.level) = (field, level)
    let bytes = inputs.reduce(0) { $0 + $1.bytes }
    settings.shardBytes = max(1 << 20, min(64 << 20, bytes / (8 * ranks)))
    return settings
  }

  private func splitRates(of folder: FilePath) throws -> [Double] {
    let corpus = try Corpus(opening: folder)
    var texts: [[UInt8]] = []
    try corpus.forEachDocument(of: .train) { texts.append($0.text) }
    let bytes = texts.reduce(0) { $0 + $1.count }
    var lengths: [UInt32] = []
    return (0..<runs).map { _ in
      let started = ContinuousClock.now
      for text in texts { text.withUnsafeBufferPointer { corpus.splitter.split($0, into: &lengths) } }
      return Double(bytes) / (ContinuousClock.now - started).seconds
    }
  }

  private func show(_ rate: PreprocessRate, _ communicator: any Communicator) throws {
    guard communicator.rank == 0 else { return }
    if json { return try JSONOutput.print(rate) }
    print(
      "\(rate.stage), \(rate.rule), \(rate.ranks) rank\(rate.ranks == 1 ? "" : "s"): "
        + "\(Amount.bytes(Int(rate.bytesPerSecondPerCore)))/s per core "
        + "(\(Amount.bytes(Int(rate.slowest))) to \(Amount.bytes(Int(rate.fastest))) in \(rate.runs) runs)")
  }
}

/// What was measured, in bytes of text per second and core.
private struct PreprocessRate: Encodable {
  var stage: String
  var rule: String
  var ranks: Int
  /// The median.
  var bytesPerSecondPerCore: Double
  var slowest: Double
  var fastest: Double
  var runs: Int

  init(stage: String, rule: String, ranks: Int, runs: [Double]) {
    (self.stage, self.rule, self.ranks, self.runs) = (stage, rule, ranks, runs.count)
    let sorted = runs.sorted()
    bytesPerSecondPerCore = sorted[sorted.count / 2]
    (slowest, fastest) = (sorted.first!, sorted.last!)
  }
}
