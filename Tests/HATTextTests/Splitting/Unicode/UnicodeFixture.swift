import Foundation
import Testing

/// The files in Tests/HATTextTests/Resources.
enum UnicodeFixture {
  /// The pieces of every case of Unicode's WordBreakTest.txt.
  static func wordBreakCases() throws -> [[[Unicode.Scalar]]] {
    try lines(of: "WordBreakTest-16.0.0.txt").filter { !$0.hasPrefix("#") }.map { line in
      try line.split(separator: "÷").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        .map {
          try $0.split(separator: " × ").map { value in
            try #require(UInt32(value, radix: 16).flatMap(Unicode.Scalar.init))
          }
        }
    }
  }

  /// What the authors' splitter makes of a text: all words, and the words for each limit in bytes.
  struct Observation: Decodable {
    var name: String
    var text: Data
    var words: [Data]
    var limits: [String: [Data]]

    private enum CodingKeys: String, CodingKey {
      case name, limits
      case text = "text_b64"
      case words = "words_b64"
    }
  }

  static func observations() throws -> [Observation] {
    try lines(of: "unicode_words.jsonl").map {
      try JSONDecoder().decode(Observation.self, from: Data($0.utf8))
    }
  }

  private static func lines(of name: String) throws -> [String] {
    let file = try #require(Bundle.module.url(forResource: "Resources/\(name)", withExtension: nil))
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
  }
}
