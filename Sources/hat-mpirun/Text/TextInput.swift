import Foundation
import HATStorage
import HATTerminal
import HATText

extension Corpus {
  /// Calls `body` with the text of each document of a part, and shows how far it has come.
  func forEachText(of part: CorpusPart, _ activity: String, _ body: ([UInt8]) throws -> Void) throws {
    let line = ProgressLine(activity, unit: .bytes)
    defer { line.clear() }
    var done = 0
    try forEachDocument(of: part) { document in
      try body(document.text)
      done += document.text.count
      line.update(done, of: counts(part).bytes)
    }
  }
}

/// Documents on standard input, one object {"text_b64": "…"} per line: what --json-lines reads.
enum TextLines {
  private struct Line: Decodable {
    var textB64: Data
    enum CodingKeys: String, CodingKey { case textB64 = "text_b64" }
  }

  /// Calls `body` with each text as it arrives, and its place for errors.
  /// - Throws: `UserError` of kind `invalidData` for another kind of line, and what `body` throws.
  static func visit(_ body: (_ text: [UInt8], _ place: String) throws -> Void) throws {
    let decoder = JSONDecoder()
    try StandardInput.forEachLine { line, number in
      let place = "standard input:\(number)"
      guard let line = try? decoder.decode(Line.self, from: Data(line)) else {
        throw UserError(
          .invalidData, at: place, "the line is not an object with a field \"text_b64\" in base64",
          hint: "Write {\"text_b64\": \"…\"} on each line.")
      }
      try body([UInt8](line.textB64), place)
    }
  }
}
