import Foundation
import HATText
import SystemPackage
import Testing

/// What the Hugging Face library `tokenizers` makes of some texts (scripts/check-tokenizer --write).
@Suite("Tokenizer file")
struct TokenizerFixtureTests {
  private struct Observation: Decodable {
    var text: String
    var ids: [Int32]
  }

  private static func resource(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: "Resources/\(name)", withExtension: nil))
  }

  @Test("The tokens of the library of reference, in many scripts and on hostile text")
  func sameTokens() throws {
    let vocabulary = try TokenizerFile(reading: FilePath(Self.resource("tokenizer-512.json").path)).vocabulary
    let encoder = SubwordEncoder(vocabulary)
    let lines = try String(contentsOf: Self.resource("tokenizer-ids.jsonl"), encoding: .utf8)
    let observations = try lines.split(separator: "\n").map {
      try JSONDecoder().decode(Observation.self, from: Data($0.utf8))
    }
    #expect(observations.count == 21)
    for observation in observations {
      #expect(encoder.encode(Array(observation.text.utf8)) == observation.ids, "\(observation.text)")
      #expect(vocabulary.decode(observation.ids) == Array(observation.text.utf8))
    }
  }
}
