import Foundation
import HATStorage
import SystemPackage
import TestSupport

@testable import HATText

/// A corpus of documents made for a test.
final class CorpusBuilder {
  let folder = TemporaryFolder()
  let settings: PreprocessSettings

  var input: String { folder.appending("input.jsonl") }
  var output: FilePath { FilePath(folder.appending("corpus")) }

  init(
    _ documents: [String], rule: SplittingRule = .whitespace, maximumWordBytes: Int = 64,
    adjust: (inout PreprocessSettings) -> Void = { _ in }
  ) throws {
    var settings = PreprocessSettings(splitter: try WordSplitter(rule, maximumWordBytes: maximumWordBytes))
    settings.holdout = 0
    adjust(&settings)
    self.settings = settings
    try write(documents)
  }

  /// A corpus of dialogues or preferences, a line of JSON each.
  init(
    lines: [String], _ kind: DocumentKind, rule: SplittingRule = .whitespace, maximumWordBytes: Int = 64,
    adjust: (inout PreprocessSettings) -> Void = { _ in }
  ) throws {
    var settings = PreprocessSettings(splitter: try WordSplitter(rule, maximumWordBytes: maximumWordBytes))
    (settings.documents, settings.holdout) = (kind, 0)
    adjust(&settings)
    self.settings = settings
    try write(lines: lines)
  }

  func write(lines: [String]) throws {
    try write(bytes: Array(lines.map { $0 + "\n" }.joined().utf8))
  }

  func write(bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: input))
  }

  func write(_ documents: [String]) throws {
    let encoder = JSONEncoder()
    let lines = try documents.map { String(decoding: try encoder.encode(["text": $0]), as: UTF8.self) + "\n" }
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: input))
  }

  @discardableResult
  func run() throws -> Preprocessor.Result {
    try Preprocessor(inputs: InputFile.list([input]), settings: settings, output: output).run()
  }

  func corpus() throws -> Corpus {
    try run()
    return try Corpus(opening: output)
  }
}

extension Corpus {
  func documents(_ part: CorpusPart = .train) throws -> [ShardDocument] {
    var documents: [ShardDocument] = []
    try forEachDocument(of: part) { documents.append($0) }
    return documents
  }

  func texts(_ part: CorpusPart) throws -> [String] {
    var texts: [String] = []
    try forEachDocument(of: part) { texts.append(String(decoding: $0.text, as: UTF8.self)) }
    return texts
  }
}

/// The kind of the `UserError` that `body` throws; nil when it throws none.
func errorKind(_ body: () throws -> Void) -> UserError.Kind? {
  do {
    try body()
    return nil
  } catch let error as UserError {
    return error.kind
  } catch {
    return nil
  }
}

/// The description of the `UserError` that `body` throws; empty when it throws none.
func errorText(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch {
    return "\(error)"
  }
}
