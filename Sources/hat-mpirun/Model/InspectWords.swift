import ArgumentParser
import HAT
import HATCore
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct InspectWords: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "words",
    abstract:
      "Show the nearest neighbours of words, and of perturbed spellings, among a model's word embeddings.",
    discussion: """
      Compares the encoder's embeddings, minus their mean, by cosine similarity. Each word has the white space that it has \
      in text. The neighbours are taken from a list of real words: by default the most frequent words of the corpora the \
      model was trained on.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Words and spellings to find the neighbours of.", valueName: "WORD"))
  var near: [String] = []

  @Option(help: ArgumentHelp("A list of real words, one per line.", valueName: "FILE"))
  var list: String?

  @Option(help: ArgumentHelp("A corpus to take the most frequent words from.", valueName: "DIR"))
  var data: String?

  @Option(help: "The most words to take from a corpus.")
  var words = 5000

  @Option(help: "How many neighbours to show.")
  var count = 5

  @Option(
    help: ArgumentHelp(
      "Perturb each word of the list, and count how many are still nearest to the original: all-caps, or permute:P, "
        + "replace:P, delete:P.", valueName: "KIND"))
  var perturb = "none"

  @Option(help: "Seed of the perturbation: the same seed perturbs a word in the same way.")
  var perturbSeed: UInt64 = 1

  @Flag(help: "Print one JSON object for each word and one for the perturbed list.")
  var json = false

  func validate() throws {
    guard list == nil || data == nil else { throw ValidationError("Give --list or --data, not both.") }
    try OptionLimits.count.check("--words", words)
    try OptionLimits.count.check("--count", count)
    guard !near.isEmpty || perturb != "none" else { throw ValidationError("Give --near, --perturb or both.") }
  }

  func run() throws {
    let perturbation = try Perturbation.parse(perturb).map {
      AppliedPerturbation(kind: $0, seed: perturbSeed)
    }
    let loaded = try LoadedModel(checkpoint) { Terminal.warning($0) }
    try loaded.require(.hierarchical, for: "inspect words")
    let queries = try near.map { try query($0, loaded.splitter) }
    let realWords = try realWords(loaded.splitter)
    let neighbours = try WordNeighbours(
      loaded.configuration.model, loaded.weights,
      maxWordBytes: loaded.manifest.maxWordBytes,
      words: realWords.inText)
    try show(queries, among: realWords, neighbours)
    if let perturbation {
      let share = try PerturbedWords(realWords, perturbation, loaded.splitter).recognized(by: neighbours)
      try json ? JSONOutput.print(share) : share.show()
    }
  }

  private func query(_ word: String, _ splitter: WordSplitter) throws -> (word: String, inText: [UInt8]) {
    guard let inText = splitter.wordBetweenOthers(word) else {
      throw UserError(
        .wrongUsage, at: "--near", "\"\(word)\" is not one word by the model's rule \(splitter.rule.name)",
        hint: "Give words that the rule does not split: `hat-mpirun split` shows where it splits.")
    }
    return (word, inText)
  }

  private func realWords(_ splitter: WordSplitter) throws -> RealWords {
    if let list { return try RealWords(list: FilePath(list), splitter) }
    let folders = try data.map { [$0] } ?? CheckpointReference(parsing: checkpoint).corpora
    return try RealWords(corpora: folders, most: words, splitter)
  }

  private func show(
    _ queries: [(word: String, inText: [UInt8])], among realWords: RealWords, _ neighbours: WordNeighbours
  ) throws {
    // One more than requested: a word of the list is its own first neighbour.
    let found = try neighbours.nearest(toEach: queries.map(\.inText), count: count + 1)
    for (query, found) in zip(queries, found) {
      let others = found.filter { realWords.inText[$0.index] != query.inText }.prefix(count)
      let result = WordResult(
        word: query.word,
        neighbours: others.map { .init(word: realWords.words[$0.index], cosine: Double($0.cosine)) })
      try json ? JSONOutput.print(result) : result.show()
    }
  }
}

/// The neighbours of one word.
private struct WordResult: Encodable {
  struct Neighbour: Encodable {
    let word: String
    let cosine: Double
  }

  let word: String
  let neighbours: [Neighbour]

  func show() {
    print(word)
    TextTable.show(neighbours.map { [$0.word, Amount.fixed($0.cosine, 4)] })
  }
}
