import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// Words to find neighbours among, each also in the form it has in text.
struct RealWords {
  private(set) var words: [String] = []
  private(set) var inText: [[UInt8]] = []
  private var known: Set<[UInt8]> = []

  /// Reads a word per line. Repeated words count once.
  /// - Throws: `UserError`: `missingInput`; `invalidData` for a line that is not UTF-8, or not one word by the rule.
  init(list path: FilePath, _ splitter: WordSplitter) throws {
    let file = try FileReader(opening: path)
    let text = try file.read(at: 0, count: file.length)
    for (index, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let place = "\(path):\(index + 1)"
      guard TextValidation.firstInvalidByte(in: Array(line)) == nil else {
        throw UserError(.invalidData, at: place, "it is not valid UTF-8", hint: "Convert the file to UTF-8.")
      }
      let word = Self.trimmed(String(decoding: line, as: UTF8.self))
      if word.isEmpty { continue }
      guard let inText = splitter.wordBetweenOthers(word) else {
        throw UserError(
          .invalidData, at: place, "\"\(word)\" is not one word by the model's rule \(splitter.rule.name)",
          hint:
            "Write one word per line that the rule does not split: `hat-mpirun split` shows where it splits.")
      }
      add(word, inText)
    }
    guard !words.isEmpty else {
      throw UserError(.invalidData, at: path.string, "it holds no words", hint: "Write one word per line.")
    }
  }

  /// Takes the most frequent words that consist of letters only and are one word by the rule.
  /// - Throws: `UserError` of kinds `missingInput`, `invalidData`.
  init(corpora folders: [String], most: Int, _ splitter: WordSplitter) throws {
    let statistics = try Self.statistics(of: folders)
    for (text, _) in statistics.mostFrequentWords(.max) where words.count < most {
      let word = Self.trimmed(text)
      if Self.isOfLetters(word), let inText = splitter.wordBetweenOthers(word) { add(word, inText) }
    }
    guard !words.isEmpty else {
      throw UserError(
        .invalidData, at: folders.joined(separator: ", "), "they have no words that consist of letters only",
        hint: "Give a list of real words with --list.")
    }
  }

  func contains(_ inText: [UInt8]) -> Bool { known.contains(inText) }

  private mutating func add(_ word: String, _ inText: [UInt8]) {
    guard known.insert(inText).inserted else { return }
    words.append(word)
    self.inText.append(inText)
  }

  private static func statistics(of folders: [String]) throws -> CorpusStatistics {
    let corpora = try folders.map { try Corpus(opening: FilePath($0)) }
    let total = corpora.reduce(0) { $0 + $1.counts(.train).bytes }
    let progress = ProgressLine("count words", unit: .bytes)
    defer { progress.clear() }
    var statistics = CorpusStatistics()
    for corpus in corpora {
      try corpus.forEachDocument(of: .train) { document in
        statistics.add(document)
        progress.update(statistics.counts.bytes, of: total)
      }
    }
    return statistics
  }

  private static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
    let end = scalars.lastIndex { !$0.properties.isWhitespace }
    return end.map { String(scalars[...$0]) } ?? ""
  }

  private static func isOfLetters(_ word: String) -> Bool {
    !word.isEmpty && word.allSatisfy(\.isLetter)
  }
}

extension CheckpointReference {
  /// The folders of the corpora that the run was trained on.
  /// - Throws: `UserError` of kind `missingInput` if there is no such run, or it has no record of them.
  var corpora: [String] {
    get throws {
      try requireRun()
      let corpora = try CorpusDescription.ofRun(run)
      guard !corpora.isEmpty else {
        throw UserError(
          .missingInput, at: run.string, "the run has no record of the corpora it was trained on",
          hint: "Give one with --data.")
      }
      return corpora.map(\.folder)
    }
  }
}

/// Perturbed spellings of real words. Left out are spellings that the perturbation did not change, that are another word of
/// the list, or that are not one word by the model's rule.
struct PerturbedWords {
  private let perturbation: AppliedPerturbation
  private let listed: Int
  /// The index in the list of the original of each spelling.
  private var origins: [Int] = []
  private var spellings: [[UInt8]] = []

  init(_ realWords: RealWords, _ perturbation: AppliedPerturbation, _ splitter: WordSplitter) {
    self.perturbation = perturbation
    listed = realWords.words.count
    for (index, word) in realWords.words.enumerated() {
      let changed = String(decoding: perturbation(Array(word.utf8)), as: UTF8.self)
      guard let inText = splitter.wordBetweenOthers(changed), !realWords.contains(inText) else { continue }
      origins.append(index)
      spellings.append(inText)
    }
  }

  func recognized(by neighbours: WordNeighbours) throws -> Result {
    let nearest = try neighbours.nearest(toEach: spellings, count: 1)
    let right = zip(nearest, origins).count { $0.first?.index == $1 }
    return Result(
      perturbation: perturbation.kind.name, perturbationSeed: perturbation.seed, words: listed,
      perturbedWords: origins.count, nearestIsRight: right,
      share: origins.isEmpty ? nil : Double(right) / Double(origins.count))
  }

  struct Result: Encodable {
    let perturbation: String
    let perturbationSeed: UInt64
    let words: Int
    let perturbedWords: Int
    let nearestIsRight: Int
    /// nil if the perturbation changed no word.
    let share: Double?

    func show() {
      let share = share.map { Amount.fixed(100 * $0, 2) + "%" } ?? "none"
      print(
        "\(perturbation): \(share) are nearest to the original word "
          + "(\(Amount.grouped(nearestIsRight)) of \(Amount.grouped(perturbedWords)) changed spellings, "
          + "\(Amount.grouped(words)) words)")
    }
  }
}
