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
        ["documents", "\(Amount.grouped(counts.documents)) in \(shard.frameCount) frames"],
        ["words", Amount.grouped(counts.words)], ["text", "\(Amount.grouped(counts.bytes)) bytes"],
      ], [.left])
    print("All checksums are correct.")
  }

  /// Each line of text on a line, with a bar between words.
  private func show(_ document: ShardDocument) {
    for entry in document.metadata.entries { print("\(entry.name): \(entry.value)") }
    print(
      "\(document.text.count) bytes, \(document.wordLengths.count) words, checksum \(document.checksum.hexadecimal)\n"
    )
    var line = ""
    for word in document.words {
      line += Self.shown(word) + "|"
      if word.contains(0x0A) {
        print(line)
        line = ""
      }
    }
    if !line.isEmpty { print(line) }
  }

  /// A word as in a JSON string, with a bar in it escaped.
  private static func shown(_ word: ArraySlice<UInt8>) -> String {
    JSONOutput.literal(word).dropFirst().dropLast().replacingOccurrences(of: "|", with: "\\u007c")
      .replacingOccurrences(of: "\\\"", with: "\"")
  }

  private struct Report: Encodable {
    var rule: String
    var maxWordBytes: Int
    var frames: Int
    var counts: TextCounts

    init(_ shard: ShardReader) {
      rule = shard.splitter.rule.versionedName
      maxWordBytes = shard.splitter.maximumWordBytes
      (frames, counts) = (shard.frameCount, shard.counts)
    }
  }

  private struct DocumentReport: Encodable {
    var document: Int
    var bytes: Int
    var words: [String]
    var checksum: String
    var metadata: [String: String]

    init(_ number: Int, _ found: ShardDocument) {
      document = number
      bytes = found.text.count
      checksum = found.checksum.hexadecimal
      words = found.words.map { String(decoding: $0, as: UTF8.self) }
      metadata = Dictionary(uniqueKeysWithValues: found.metadata.entries.map { ($0.name, $0.value) })
    }
  }
}
