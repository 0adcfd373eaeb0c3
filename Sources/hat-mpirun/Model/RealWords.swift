import HATCore
import HATDistributed
import HATStorage
import HATText
import SystemPackage

/// Words to find neighbours among, and each as it stands in text.
struct RealWords {
  private(set) var words: [String] = []
  private(set) var inText: [[UInt8]] = []
  private var known: Set<[UInt8]> = []

  /// A word a line; the same word twice counts once.
  /// - Throws: `UserError`: `missingInput`; `invalidData` for what is not UTF-8, or not one word by the rule.
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
          hint: "Write a word a line, and none that the rule cuts: hat-mpirun split shows where it does.")
      }
      add(word, inText)
    }
    guard !words.isEmpty else {
      throw UserError(.invalidData, at: path.string, "it holds no word", hint: "Write a word a line.")
    }
  }

  /// The most frequent words of letters alone, each one word by the rule.
  /// - Throws: `UserError` of kinds `missingInput`, `invalidData`.
  init(corpora folders: [String], most: Int, _ splitter: WordSplitter) throws {
    let statistics = try Self.statistics(of: folders)
    for (text, _) in statistics.mostFrequentWords(.max) where words.count < most {
      let word = Self.trimmed(text)
      if Self.isOfLetters(word), let inText = splitter.wordBetweenOthers(word) { add(word, inText) }
    }
    guard !words.isEmpty else {
      throw UserError(
        .invalidData, at: folders.joined(separator: ", "), "no word there is made of letters alone",
        hint: "Give real words, a word a line, with --list.")
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
  /// The folders of the corpora its run was trained on.
  /// - Throws: `UserError` of kind `missingInput` when there is no such run, or it does not say.
  var corpora: [String] {
    get throws {
      try requireRun()
      let corpora = try CorpusDescription.ofRun(run)
      guard !corpora.isEmpty else {
        throw UserError(
          .missingInput, at: run.string, "the run does not say which corpora it was trained on",
          hint: "Name one with --data.")
      }
      return corpora.map(\.folder)
    }
  }
}
