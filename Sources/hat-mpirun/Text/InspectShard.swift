import ArgumentParser
import Foundation
import HATTerminal
import HATText
import SystemPackage

struct InspectShard: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shard",
    abstract: "Check a shard and report what it holds, or show one document with its words.")

  @Argument(help: "The shard.")
  var file: String

  @Option(help: "Number of the document to show, from 0.")
  var document: Int?

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  func run() throws {
    let shard = try ShardReader(opening: FilePath(file))
    if let document {
      let found = try shard.document(document)
      try json ? JSONOutput.print(DocumentReport(document, found)) : show(found)
    } else {
      try shard.forEachDocument { _ in }
      try json ? JSONOutput.print(Report(shard)) : show(shard)
    }
  }

  private func show(_ shard: ShardReader) {
    let counts = shard.counts
    TextTable.show(
      [
        ["rule", "\(shard.splitter.rule.name), words of up to \(shard.splitter.maximumWordBytes) bytes"],
        [
          shard.kind == .text ? "documents" : shard.kind.rawValue,
          "\(Amount.grouped(counts.documents)) in \(shard.frameCount) frames",
        ],
        ["words", Amount.grouped(counts.words)], ["text", "\(Amount.grouped(counts.bytes)) bytes"],
      ], [.left])
    print("All checksums are correct.")
  }

  /// Each line of text on a line, with a bar between words; of a dialogue also each mark. A line whose words count begins with >.
  private func show(_ document: ShardDocument) {
    for entry in document.metadata.entries { print("\(entry.name): \(entry.value)") }
    print(
      "\(document.text.count) bytes, \(document.wordLengths.count) words, checksum \(document.checksum.hexadecimal)\n"
    )
    let counted = Set(document.counted.joined())
    var (line, lineCounts) = ("", false)
    func endLine() {
      if !line.isEmpty { print(document.kind == .text ? line : (lineCounts ? "> " : "  ") + line) }
      line = ""
    }
    for (index, word) in document.words.enumerated() {
      let isMark = document.kind != .text && word.isMark
      if isMark { endLine() }
      line += isMark ? SpecialByte.markName(word.first!)! : Self.shown(word) + "|"
      lineCounts = counted.contains(index)
      if isMark || word.contains(0x0A) { endLine() }
    }
    endLine()
  }

  /// A word as in a JSON string, with a bar in it escaped.
  private static func shown(_ word: ArraySlice<UInt8>) -> String {
    JSONOutput.literal(word).dropFirst().dropLast().replacingOccurrences(of: "|", with: "\\u007c")
      .replacingOccurrences(of: "\\\"", with: "\"")
  }

  private struct Report: Encodable {
    var rule: String
    var maxWordBytes: Int
    /// What the documents are.
    var kind: String
    var frames: Int
    var counts: TextCounts

    init(_ shard: ShardReader) {
      rule = shard.splitter.rule.versionedName
      maxWordBytes = shard.splitter.maximumWordBytes
      kind = shard.kind.rawValue
      (frames, counts) = (shard.frameCount, shard.counts)
    }
  }

  private struct DocumentReport: Encodable {
    var document: Int
    var bytes: Int
    /// Marks by their names.
    var words: [String]
    /// Of a dialogue, which of the words are marks.
    var marks: [Int]?
    /// Of a dialogue, the words that are part of the loss: the first of each range, and the one behind its last.
    var counted: [[Int]]?
    var checksum: String
    var metadata: [String: String]

    init(_ number: Int, _ found: ShardDocument) {
      document = number
      bytes = found.text.count
      checksum = found.checksum.hexadecimal
      metadata = Dictionary(uniqueKeysWithValues: found.metadata.entries.map { ($0.name, $0.value) })
      guard found.kind != .text else {
        words = found.words.map { String(decoding: $0, as: UTF8.self) }
        return
      }
      words = found.words.map {
        $0.isMark ? SpecialByte.markName($0.first!)! : String(decoding: $0, as: UTF8.self)
      }
      marks = found.words.enumerated().filter { $0.element.isMark }.map(\.offset)
      counted = found.counted.map { [$0.lowerBound, $0.upperBound] }
    }
  }
}
