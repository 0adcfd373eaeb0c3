import Foundation
import Testing

@testable import HATText

@Suite struct UnicodeSplittingTests {
  private func words(_ text: String, limit: Int = .max) throws -> [String] {
    let bytes = Array(text.utf8)
    var start = 0
    return try WordSplitter(.unicode, maximumWordBytes: limit).split(bytes).map { length in
      defer { start += Int(length) }
      return String(decoding: bytes[start..<start + Int(length)], as: UTF8.self)
    }
  }

  @Test func cutsAsTheDocumentationSays() throws {
    #expect(
      try words("The quick (\"brown\") fox can't.") == [
        "The", " quick", " (\"", "brown\")", " fox", " can'", "t.",
      ])
    #expect(try words("a  b\t c\r\n\n d") == ["a", "  ", "b", "\t", " c", "\r\n", "\n", " d"])
    #expect(try words("camelCase HTTPServer x_1") == ["camel", "Case", " HTTPServer", " x_", "1"])
    #expect(try words("3.14 1,000 1⁄2") == ["3.", "14", " 1,", "000", " 1⁄2"])
    #expect(try words("中文字。 カタカナ") == ["中", "文", "字。", " カタカナ"])
    #expect(try words("🇩🇪🇫🇷👩‍🚀e\u{301}") == ["🇩🇪", "🇫🇷", "👩‍🚀", "e\u{301}"])
  }

  @Test func theOraclePassesUnicodesOwnTest() throws {
    let cases = try UnicodeFixture.wordBreakCases()
    #expect(cases.count == 1826)
    for pieces in cases {
      let oracle = UnicodeOracle(text(pieces.flatMap { $0 }))
      #expect(oracle.wordBoundaryPieces() == pieces)
    }
  }

  @Test func agreesWithTheAuthorsSplitter() throws {
    let observations = try UnicodeFixture.observations()
    #expect(observations.count == 391)
    for observation in observations {
      let text = String(decoding: observation.text, as: UTF8.self)
      let expected = observation.words.map { String(decoding: $0, as: UTF8.self) }
      #expect(try words(text) == expected, "\(observation.name)")
      for (limit, parts) in observation.limits {
        let limit = try #require(Int(limit))
        guard limit >= WordSplitter.wordLimits.lowerBound else {
          #expect(errorKind { _ = try WordSplitter(.unicode, maximumWordBytes: limit) } == .wrongUsage)
          continue
        }
        let expected = parts.map { String(decoding: $0, as: UTF8.self) }
        #expect(try words(text, limit: limit) == expected, "\(observation.name), at most \(limit) bytes")
      }
    }
  }

  @Test func agreesWithTheOracleOnUnicodesOwnTest() throws {
    for pieces in try UnicodeFixture.wordBreakCases() {
      let text = text(pieces.flatMap { $0 })
      #expect(try words(text) == UnicodeOracle(text).words())
    }
  }

  @Test func agreesWithTheOracleOnAnyThreeClasses() throws {
    let scalars = ClassMembers.representatives
    for first in scalars {
      for second in scalars {
        for third in scalars {
          let text = text([first, second, third])
          try #require(words(text) == UnicodeOracle(text).words(), "\(text.unicodeScalars.map(\.value))")
        }
      }
    }
  }

  @Test func agreesWithTheOracleOnRandomText() throws {
    var generator = TextGenerator(seed: 1)
    for round in 0..<20_000 {
      let text = generator.textOfAllClasses(scalars: 4 + round % 12)
      try #require(words(text) == UnicodeOracle(text).words(), "\(text.unicodeScalars.map(\.value))")
    }
  }

  @Test func agreesWithTheOracleOverManyBlocks() throws {
    var generator = TextGenerator(seed: 2)
    for round in 0..<40 {
      let text = String(repeating: "x", count: round) + generator.textOfAllClasses(scalars: 3000)
      try #require(words(text) == UnicodeOracle(text).words())
    }
  }

  private func text(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}
