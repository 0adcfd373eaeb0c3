import Testing

@testable import HATText

/// What must hold of the rule `unicode` for any text.
@Suite struct UnicodePropertyTests {
  @Test func wordsAreTheTextWithinTheLimit() throws {
    var generator = TextGenerator(seed: 3)
    for round in 0..<300 {
      let text = Array(generator.textOfAllClasses(scalars: round).utf8)
      for limit in [4, 5, 7, 16, 64, 65_535] {
        let lengths = try WordSplitter(.unicode, maximumWordBytes: limit).split(text)
        try #require(lengths.reduce(0, +) == text.count)
        try #require(lengths.allSatisfy { 1...UInt32(limit) ~= $0 })
        try #require(starts(lengths).allSatisfy { !UTF8.isContinuation(text[$0]) })
      }
    }
  }

  /// The words of a text that no text to its right can change: all but the last, and in two cases the one before.
  private func settledWords(_ text: String) throws -> ArraySlice<UInt32> {
    let lengths = try WordSplitter(.unicode, maximumWordBytes: .max).split(Array(text.utf8))
    guard lengths.count > 1 else { return [] }
    let last = text.utf8.suffix(Int(lengths.last!))
    let before = text.utf8.dropLast(last.count).suffix(Int(lengths[lengths.count - 2]))
    let isInDoubt =
      isFraction(after: Array(String(before)!.unicodeScalars), Array(String(last)!.unicodeScalars))
      || isSpace(after: String(before)!, Array(String(last)!.unicodeScalars))
    return lengths.dropLast(isInDoubt ? 2 : 1)
  }

  /// U+2044 with its marks after a digit: a digit may follow.
  private func isFraction(after before: [Unicode.Scalar], _ last: [Unicode.Scalar]) -> Bool {
    let (before, last) = (withoutMarks(before), withoutMarks(last))
    return last == [ScalarClass(.midNumber)] && before.last?.wordBreak == .number
  }

  /// White space other than a new line after a single space: a mark may follow.
  private func isSpace(after before: String, _ last: [Unicode.Scalar]) -> Bool {
    let last = last.map(ScalarClassTable.unicode.scalarClass)
    return before == " " && last.allSatisfy { $0.isWhiteSpace && !$0.isNewline }
  }

  private func withoutMarks(_ scalars: [Unicode.Scalar]) -> [ScalarClass] {
    scalars.map(ScalarClassTable.unicode.scalarClass).filter {
      $0.wordBreak != .extend && $0.wordBreak != .joiner
    }
  }

  @Test func textAddedToTheRightChangesNoSettledWord() throws {
    var generator = TextGenerator(seed: 4)
    let splitter = try WordSplitter(.unicode, maximumWordBytes: .max)
    for _ in 0..<20_000 {
      let text = generator.textOfAllClasses(scalars: 12)
      let long = splitter.split(Array((text + generator.textOfAllClasses(scalars: 3)).utf8))
      try #require(long.starts(with: settledWords(text)), "\(text.unicodeScalars.map(\.value))")
    }
  }

  @Test func whatIsInDoubtIsDecidedByWhatFollows() throws {
    let splitter = try WordSplitter(.unicode)
    #expect(splitter.split(Array("a 1⁄".utf8)) == [1, 2, 3])
    #expect(splitter.split(Array("a 1⁄2".utf8)) == [1, 6])
    #expect(splitter.split(Array("a \t".utf8)) == [1, 1, 1])
    #expect(splitter.split(Array("a \t\u{301}".utf8)) == [1, 4])
  }

  /// With a limit, no boundary moves up to where the words without one are settled.
  @Test(arguments: [4, 9, 64]) func aLimitKeepsItSo(limit: Int) throws {
    var generator = TextGenerator(seed: 5)
    let splitter = try WordSplitter(.unicode, maximumWordBytes: limit)
    for _ in 0..<3000 {
      let text = generator.textOfAllClasses(scalars: 20)
      let long = splitter.split(Array((text + generator.textOfAllClasses(scalars: 3)).utf8))
      let short = splitter.split(Array(text.utf8))
      let settled = Int(try settledWords(text).reduce(0, +))
      try #require(
        starts(long).prefix { $0 <= settled }.elementsEqual(starts(short).prefix { $0 <= settled }))
    }
  }

  private func starts(_ lengths: [UInt32]) -> [Int] {
    var next = 0
    return lengths.map { length in
      defer { next += Int(length) }
      return next
    }
  }

  @Test(arguments: [
    "", "\u{301}", "\u{200D}", "🇩", "\r", "\n", " ", "a", "中", "\u{10FFFF}", "\u{1F469}\u{200D}", "1⁄",
    "1⁄\u{301}",
    " \u{202F}", "א\"", ".", "\u{301}a", "\r\n", "aB", " \t",
  ])
  func aMegabyteOfTheSame(unit: String) throws {
    let count = unit.isEmpty ? 0 : 1_000_000 / unit.utf8.count
    let text = Array(String(repeating: unit, count: count).utf8)
    for limit in [64, Int.max] {
      let lengths = try WordSplitter(.unicode, maximumWordBytes: limit).split(text)
      #expect(lengths.reduce(0, +) == text.count)
      #expect(lengths.allSatisfy { $0 > 0 && $0 <= limit })
    }
  }

  @Test func repetitionsAreCutAlike() throws {
    let splitter = try WordSplitter(.unicode, maximumWordBytes: .max)
    #expect(splitter.split(Array(String(repeating: "\u{301}", count: 5000).utf8)) == [10_000])
    #expect(
      splitter.split(Array(String(repeating: "🇩🇪", count: 5000).utf8)) == .init(repeating: 8, count: 5000))
    #expect(
      splitter.split(Array(String(repeating: "\r\n", count: 5000).utf8)) == .init(repeating: 2, count: 5000))
    #expect(splitter.split(.init(repeating: 0x20, count: 5000)) == [5000])
    #expect(splitter.split(.init(repeating: 0x61, count: 5000)) == [5000])
    #expect(splitter.split(Array(String(repeating: "1⁄", count: 5000).utf8)) == [19_997, 3])
  }

  @Test func theTableKnowsEveryScalar() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let known = ScalarClassTable.unicode.scalarClass(scalar)
      guard known.isWhiteSpace == scalar.properties.isWhitespace, known.isAsciiSpace == (value == 0x20) else {
        Issue.record("U+\(String(value, radix: 16)) has the wrong class")
        return
      }
    }
    #expect(ScalarClass.all.count <= 32)
    #expect(Set(ScalarClass.all).count == ScalarClass.all.count)
    #expect(ScalarClassTable.unicode.classes.prefix(128).elementsEqual(ascii))
  }

  private var ascii: [UInt8] {
    (0..<128).map { UInt8(ScalarClassTable.unicode.classIndex(Unicode.Scalar(UInt8($0)))) }
  }
}
