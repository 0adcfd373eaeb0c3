import Foundation
import HATText
import SystemPackage
import TestSupport

/// A corpus of named documents.
final class LoaderCorpus: Sendable {
  let corpus: Corpus
  /// The first word of each document, white space included.
  let names: [String]
  private let folder = TemporaryFolder()

  /// - Parameter wordsPerDocument: nil for anything from 2 to 60.
  init(documents: Int, name: String, seed: UInt64 = 1, wordsPerDocument: Int? = nil) throws {
    var random = ToyGenerator(seed: seed)
    names = (0..<documents).map { "\(name)-\($0) " }
    let lines = names.map { name in
      let words = (1..<(wordsPerDocument ?? 2 + random.below(59))).map { _ in
        String(repeating: "abcde".randomElement(using: &random)!, count: 1 + random.below(9))
      }
      return "{\"text\": \"\(name)\(words.joined(separator: " "))\"}\n"
    }
    let input = folder.appending("input.jsonl")
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: input))
    var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
    settings.holdout = 0
    let output = FilePath(folder.appending("corpus"))
    _ = try Preprocessor(inputs: InputFile.list([input]), settings: settings, output: output).run()
    corpus = try Corpus(opening: output)
  }
}
