import Testing

@testable import HATText

@Suite struct PerturbationTests {
  private static let all: [Perturbation] = [
    .allCaps, .permute(0.5), .replace(0.5), .delete(0.5), .permute(1), .replace(1), .delete(1), .delete(0),
  ]
  private static let text =
    "\u{3000}To be,  or not\tto be größer\r\nशक्ति e\u{301}clair 👩‍👩‍👧 x\u{00A0}y \u{301}z \n"

  private func whiteSpace(_ text: String) -> [[Unicode.Scalar]] {
    text.unicodeScalars.split { !$0.properties.isWhitespace }.map { Array($0) }
  }

  private func words(_ text: String) -> [String] {
    text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }
  }

  @Test(arguments: all) func whiteSpaceAndTheNumberOfWordsStay(perturbation: Perturbation) {
    for seed in UInt64(0)..<50 {
      let result = perturbation.applied(to: Self.text, seed: seed)
      #expect(whiteSpace(result) == whiteSpace(Self.text))
      #expect(words(result).count == words(Self.text).count)
    }
  }

  @Test(arguments: all) func randomTextStaysValid(perturbation: Perturbation) {
    var generator = TextGenerator(seed: 40)
    for seed in UInt64(0)..<50 {
      let text = generator.text(scalars: 200)
      let result = perturbation.applied(to: text, seed: seed)
      #expect(TextValidation.firstInvalidByte(in: result) == nil)
      #expect(perturbation.applied(to: text, seed: seed) == result)
    }
    #expect(perturbation.applied(to: "", seed: 1) == "")
  }

  @Test func theSeedDecides() {
    for perturbation in Self.all[1...3] {
      let results = Set((0..<20 as Range<UInt64>).map { perturbation.applied(to: Self.text, seed: $0) })
      #expect(results.count > 15)
    }
  }

  @Test func allCapsIsTheFullMapping() {
    #expect(Perturbation.allCaps.applied(to: "Straße ﬁn ǆ ΐ i 語\n", seed: 1) == "STRASSE FIN Ǆ Ϊ́ I 語\n")
  }

  @Test func permutingKeepsTheCharactersOfAWord() {
    let result = Perturbation.permute(0.3).applied(to: Self.text, seed: 9)
    #expect(result != Self.text)
    for (old, new) in zip(
      words("größer नमस्ते 👩‍👩‍👧👍🏽 a"),
      words(
        Perturbation.permute(1).applied(
          to: "größer नमस्ते 👩‍👩‍👧👍🏽 a", seed: 4)))
    {
      #expect(old.sorted() == new.sorted(), "whole characters move")
    }
  }

  @Test func replacingKeepsLengthsAndNeverTheCharacter() {
    let old = "größer 👩‍👩‍👧 zebra"
    let new = Perturbation.replace(1).applied(to: old, seed: 5)
    #expect(new.count == old.count)
    for (before, after) in zip(old, new) where before != " " {
      #expect(before != after && ("a"..."z").contains(after))
    }
  }

  @Test func deletingLeavesOneCharacter() {
    #expect(Perturbation.delete(1).applied(to: " größer 👩‍👩‍👧👍 a", seed: 5) == " g 👩‍👩‍👧 a")
    #expect(Perturbation.delete(0).applied(to: Self.text, seed: 5) == Self.text)
  }

  @Test(arguments: [Perturbation.permute(0.1), .replace(0.1), .delete(0.1)])
  func theProbabilityIsThatOfACharacter(perturbation: Perturbation) {
    let word = String(repeating: "0123456789", count: 1000)
    let result = Array(perturbation.applied(to: word, seed: 3))
    let touched =
      switch perturbation {
      case .delete: word.count - result.count
      default: zip(word, result).count { $0 != $1 }
      }
    // An exchange touches two characters.
    let expected: Double = if case .permute = perturbation { 1710 } else { 1000 }
    #expect(abs(Double(touched) - expected) < 120)
  }

  @Test func namesAreRead() throws {
    #expect(try Perturbation.parse("none") == nil)
    #expect(try Perturbation.parse("permute") == .permute(0.1))
    for perturbation in Self.all { #expect(try Perturbation.parse(perturbation.name) == perturbation) }
    for text in ["", "caps", "all-caps:0.1", "permute:", "permute:2", "delete:-0.1", "replace:nan", "none:1"]
    {
      #expect(errorKind { _ = try Perturbation.parse(text) } == .wrongUsage, "\(text)")
    }
  }
}
