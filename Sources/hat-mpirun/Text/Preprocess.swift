import ArgumentParser
import Foundation
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

extension InvalidTextPolicy: ExpressibleByArgument {}
extension DuplicateRule: ExpressibleByArgument {}
extension DocumentKind: ExpressibleByArgument {}
extension CorpusPreset: ExpressibleByArgument {}

struct Preprocess: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a corpus from files of text: split into words, compressed, with checksums.",
    discussion: """
      INPUT is a .txt file (one document, or several with --document-separator), a .jsonl file (one document per line), \
      either also as .zst or .gz, a .parquet file (one document per row), a folder of such files, or - for standard input (JSON Lines, or text when \
      --document-separator is given). Dialogues and preferences are lines of .jsonl alone. The same command continues where an earlier one was stopped (exit code 75), and leaves a finished \
      corpus as it is. Ranks share the work; the shards are the same for any number of ranks.
      """)

  @Option(help: "Folder to create.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "A known corpus, which sets --field and --keep: \(CorpusPreset.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "corpus"))
  var preset: CorpusPreset?

  @Option(
    help: ArgumentHelp(
      """
      What a line of JSON is: a text, a dialogue {"messages": […]} of which the answers are learnt, or a preference \
      {"prompt": …, "chosen": …, "rejected": …}.
      """, valueName: "text|dialogues|preferences"))
  var documents = DocumentKind.text

  @Option(help: "Splitting rule: whitespace, unicode, or fixed:N for a word every N bytes.")
  var split = "whitespace"

  @Option(help: "Most bytes in a word; longer words are cut.")
  var maxWordBytes = WordSplitter.defaultWordLimit

  @Option(
    help: """
      JSON field or Parquet column that holds the text; outer.inner for a nested one (default: text, or, in a Parquet file \
      without it, content).
      """)
  var field: String?

  @Option(
    help: ArgumentHelp(
      "Fields or columns to keep as metadata, besides language, license and source.", valueName: "name,…"))
  var keep: String?

  @Option(help: "What to do with a document that is not UTF-8: error, replace (with U+FFFD), or skip.")
  var invalidUtf8 = InvalidTextPolicy.error

  @Option(help: ArgumentHelp("Leave out documents with less text than this.", valueName: ByteSize.valueName))
  var minBytes: ByteSize?

  @Option(help: ArgumentHelp("Leave out documents with more text than this.", valueName: ByteSize.valueName))
  var maxBytes: ByteSize?

  @Option(
    help: ArgumentHelp(
      "Leave out documents whose field or column language_score is below this.", valueName: "score"))
  var languageScore: Double?

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Leave out documents unless the regular expression matches the whole value of the field or column; may be given several times.",
      valueName: "column=regex"))
  var patterns: [String] = []

  @Option(help: "Fraction of documents held out from training, chosen by content.")
  var holdout = 0.01

  @Option(help: ArgumentHelp("Approximate input per shard.", valueName: ByteSize.valueName))
  var shardBytes = ByteSize(bytes: 64 << 20)

  @Option(help: "zstd level, 1 to 19.")
  var level = 3

  @Option(help: "What separates the documents in a .txt file; \\n, \\t and \\\\ are understood.")
  var documentSeparator: String?

  @Option(
    help: ArgumentHelp(
      "Keep only the first of several documents with the same text (exact, also without a value) or with nearly the same words (near).",
      valueName: "exact|near"))
  var deduplicate: DuplicateRule?

  @Option(help: "Start mpirun with this many ranks (default: one process).")
  var ranks: Int?

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  @Argument(help: "Files or folders, or - for standard input.")
  var input: [String]

  func validate() throws {
    try OptionLimits.ranks.check("--ranks", ranks)
    guard ranks == nil || !input.contains("-") else {
      throw ValidationError("Standard input goes to one process: leave --ranks out.")
    }
  }

  func run() throws {
    if Launcher.current == nil {
      if let ranks {
        StandardStreams.end(try RankProgram.start(ranks: ranks, continuation: "where it stopped"))
      }
      Self.endWhenAskedTo()
    }
    StandardStreams.end(RankProgram.run(work))
  }

  private static func endWhenAskedTo() {
    StopSignals.endProcess {
      Terminal.note("stopped by \($0): run the same command again; it goes on where it stopped")
    }
  }

  /// - Returns: the exit code.
  private func work(on communicator: any Communicator) throws -> Int32 {
    let started = ContinuousClock.now
    let result = try preprocessor(on: communicator).run(sharing: RankWorkSharing(communicator))
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
    settings.documents = documents
    settings.invalidText = invalidUtf8
    settings.holdout = holdout
    settings.shardBytes = shardBytes.bytes
    settings.level = level
    settings.documentSeparator = documentSeparator.map(Self.unescaped)
    settings.deduplicate = deduplicate
    settings.filters.minimumBytes = minBytes?.bytes
    settings.filters.maximumBytes = maxBytes?.bytes
    settings.filters.minimumLanguageScore = languageScore
    settings.filters.patterns = try patterns.map(MetadataPattern.init(parsing:))
    let keep = keep.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    if let preset {
      try preset.apply(to: &settings, field: field, keep: keep)
    } else {
      (settings.field, settings.keep) = (field, keep ?? [])
    }
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
    var longestPair: SequenceSize?
    var dataFingerprint: Checksum

    init(_ result: Preprocessor.Result, seconds: Double) {
      let manifest = result.manifest
      finishedBefore = result.wasFinished
      self.seconds = seconds
      train = manifest.train.counts
      holdout = manifest.holdout.counts
      compressedBytes = manifest.compressedBytes
      leftOut = manifest.leftOut
      longestPair = manifest.longestPair
      dataFingerprint = manifest.dataFingerprint
    }
  }

  private func show(_ result: Preprocessor.Result, seconds: Double) {
    let manifest = result.manifest
    if result.wasFinished { print("\(output) is finished already; nothing was done.") }
    CorpusTable.show(manifest)
    let leftOut = manifest.leftOut
    for (count, text) in [
      (leftOut.empty, "left out because they are empty"),
      (leftOut.null, "left out because their text is null"),
      (leftOut.invalid, "left out because they are not UTF-8"),
      (leftOut.withoutAnswer, "left out because they have no answer that counts"),
      (leftOut.withoutPreference, "left out because the chosen answer is the rejected one"),
      (leftOut.tooShort, "left out because they are shorter than --min-bytes"),
      (leftOut.tooLong, "left out because they are longer than --max-bytes"),
      (leftOut.withoutMetadata, "left out because they lack a field that a filter looks at"),
      (leftOut.lowLanguageScore, "left out because their language_score is below --language-score"),
      (leftOut.unmatched, "left out because they do not match --where"),
      (leftOut.duplicate, "left out because an earlier one has the same text"),
      (leftOut.nearDuplicate, "left out because an earlier one has nearly the same text"),
      (leftOut.repaired, "repaired with U+FFFD"),
    ] where count > 0 {
      print("documents \(text): \(Amount.grouped(count))")
    }
    if manifest.holdout.counts.documents == 0 && holdout > 0 {
      print(
        "No document was held out, and evaluation needs some: make another corpus with a larger --holdout, such as 0.2, "
          + "or from more documents.")
    }
    if !result.wasFinished {
      let bytes = manifest.train.counts.bytes + manifest.holdout.counts.bytes
      let rate = Amount.bytes(Int(Double(bytes) / max(seconds, 1e-9)))
      print("\(Amount.fixed(seconds, 2)) s, \(rate)/s of text")
    }
  }
}

/// Shows how far preprocessing has come.
private final class PreprocessProgressLine {
  private let hashing = ProgressLine("looking for duplicates", unit: .bytes)
  private let writing = ProgressLine("preprocess", unit: .bytes)

  deinit {
    hashing.clear()
    writing.clear()
  }

  func show(_ progress: PreprocessProgress) {
    let line = progress.isLookingForDuplicates ? hashing : writing
    line.update(progress.position, of: progress.total)
  }
}
