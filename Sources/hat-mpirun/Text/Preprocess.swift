import ArgumentParser
import Foundation
import HATDistributed
import HATStorage
import HATText
import SystemPackage

extension InvalidTextPolicy: ExpressibleByArgument {}

struct Preprocess: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a corpus of text files: cut into words, compressed, checked.",
    discussion: """
      INPUT is a .txt file (a document a file, or several with --document-separator), a .jsonl file (a document a \
      line), either also .zst or .gz, a folder of such files, or - for standard input (JSON lines, or text when \
      --document-separator is given). A run that was stopped is continued by the same command; a finished one is \
      left as it is. Ranks share the work, and write the same shards however many they are.
      """)

  @Option(help: "The folder to make.")
  var output: String

  @Option(help: "The splitting rule: whitespace, unicode, or fixed:N for a word every N bytes.")
  var split = "whitespace"

  @Option(help: "The most bytes of a word; longer ones are cut.")
  var maxWordBytes = WordSplitter.defaultWordLimit

  @Option(help: "The field of a JSON object that holds the text, outer.inner for one inside another.")
  var field = "text"

  @Option(help: "What to do with a document that is not UTF-8: error, replace (by U+FFFD), or skip it.")
  var invalidUtf8 = InvalidTextPolicy.error

  @Option(help: "The share of documents kept from training, chosen by content.")
  var holdout = 0.01

  @Option(help: "About how much input makes a shard.")
  var shardBytes = ByteSize(bytes: 64 << 20)

  @Option(help: "The zstd level, 1 to 19.")
  var level = 3

  @Option(help: "What divides a .txt file into documents; \\n, \\t and \\\\ are understood.")
  var documentSeparator: String?

  @Flag(help: "Keep only the first of documents with the same text.")
  var deduplicate = false

  @Option(help: "Start mpirun with that many ranks; one process without it.")
  var ranks: Int?

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  @Argument(help: "Files or folders, or - for standard input.")
  var input: [String]

  func validate() throws {
    guard ranks ?? 1 >= 1 else { throw ValidationError("--ranks must be at least 1.") }
    guard ranks == nil || !input.contains("-") else {
      throw ValidationError("Standard input goes to one process: leave --ranks out.")
    }
  }

  func run() throws {
    guard let ranks, !MPICommunicator.isLaunched else { Foundation.exit(RankProgram.run(work)) }
    Foundation.exit(try RankProgram.start(ranks: ranks, continuation: "where it stopped"))
  }

  /// - Returns: the exit code.
  private func work(on communicator: any Communicator) throws -> Int32 {
    let started = ContinuousClock.now
    let result = try preprocessor(on: communicator).run(sharing: RankWorkSharing(communicator: communicator))
    guard communicator.rank == 0 else { return 0 }
    let seconds = (ContinuousClock.now - started).seconds
    if json {
      try JSONOutput.print(Report(result, seconds: seconds))
    } else {
      show(result, seconds: seconds)
    }
    return 0
  }

  private func preprocessor(on communicator: any Communicator) throws -> Preprocessor {
    try communicator.together {
      try RankProgram.require(ranks: ranks, of: communicator)
      let inputs = try InputFile.list(input, standardInput: documentSeparator == nil ? .jsonLines : .text)
      let progress = communicator.rank == 0 ? PreprocessProgressLine() : nil
      return try Preprocessor(inputs: inputs, settings: settings(), output: FilePath(output)) {
        progress?.show($0)
      }
    }
  }

  private func settings() throws -> PreprocessSettings {
    var settings = PreprocessSettings(
      splitter: try WordSplitter(SplittingRule(parsing: split), maximumWordBytes: maxWordBytes))
    settings.field = field
    settings.invalidText = invalidUtf8
    settings.holdout = holdout
    settings.shardBytes = shardBytes.bytes
    settings.level = level
    settings.documentSeparator = documentSeparator.map(Self.unescaped)
    settings.deduplicate = deduplicate
    return settings
  }

  static func unescaped(_ text: String) -> String {
    var (result, rest) = ("", text[...])
    while let character = rest.popFirst() {
      guard character == "\\", let escape = rest.first, let meaning = escapes[escape] else {
        result.append(character)
        continue
      }
      rest.removeFirst()
      result += meaning
    }
    return result
  }

  private static let escapes: [Character: String] = ["n": "\n", "t": "\t", "r": "\r", "\\": "\\"]

  private struct Report: Encodable {
    var finishedBefore: Bool
    var seconds: Double
    var train: TextCounts
    var holdout: TextCounts
    var compressedBytes: Int
    var leftOut: LeftOutCounts
    var dataFingerprint: Checksum

    init(_ result: Preprocessor.Result, seconds: Double) {
      let manifest = result.manifest
      finishedBefore = result.wasFinished
      self.seconds = seconds
      train = manifest.train.counts
      holdout = manifest.holdout.counts
      compressedBytes = manifest.compressedBytes
      leftOut = manifest.leftOut
      dataFingerprint = manifest.dataFingerprint
    }
  }

  private func show(_ result: Preprocessor.Result, seconds: Double) {
    let manifest = result.manifest
    if result.wasFinished { print("\(output) is finished already; nothing was done.") }
    CorpusTable.show(manifest)
    let leftOut = manifest.leftOut
    if leftOut.empty > 0 { print("left out: \(Amount.grouped(leftOut.empty)) empty documents") }
    if leftOut.invalid > 0 {
      print("left out: \(Amount.grouped(leftOut.invalid)) documents that are not UTF-8")
    }
    if leftOut.duplicate > 0 {
      print("left out: \(Amount.grouped(leftOut.duplicate)) documents with the text of an earlier one")
    }
    if leftOut.repaired > 0 { print("repaired: \(Amount.grouped(leftOut.repaired)) documents, with U+FFFD") }
    if manifest.holdout.counts.documents == 0 && holdout > 0 {
      print("No document was held out: there are few; evaluation needs some. A larger --holdout gives more.")
    }
    if !result.wasFinished {
      let bytes = manifest.train.counts.bytes + manifest.holdout.counts.bytes
      let rate = Amount.bytes(Int(Double(bytes) / max(seconds, 1e-9)))
      print("\(Amount.fixed(seconds, 2)) s, \(rate)/s of text")
    }
  }
}
