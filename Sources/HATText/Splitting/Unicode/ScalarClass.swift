/// What the rule `unicode` knows of a scalar; scalars it treats alike share one class.
struct ScalarClass: Sendable, Hashable {
  /// The Unicode property Word_Break (UAX #29, table 3). Format counts as `extend`, Single_Quote as
  /// `midNumberLetter`: the rule never treats them differently.
  enum WordBreak: Sendable {
    case other, carriageReturn, lineFeed, newline, space, extend, joiner, regionalIndicator
    case letter, hebrewLetter, number, katakana, connector
    case midLetter, midNumber, midNumberLetter, doubleQuote
  }

  /// The general categories P*, Ll and Lu.
  enum Kind: Sendable {
    case other, punctuation, lowercase, uppercase
  }

  let wordBreak: WordBreak
  let kind: Kind
  /// The property White_Space.
  let isWhiteSpace: Bool
  /// The property Extended_Pictographic.
  let isPictographic: Bool
  /// U+0020.
  let isAsciiSpace: Bool

  init(
    _ wordBreak: WordBreak, _ kind: Kind = .other, isWhiteSpace: Bool = false, isPictographic: Bool = false,
    isAsciiSpace: Bool = false
  ) {
    self.wordBreak = wordBreak
    self.kind = kind
    self.isWhiteSpace = isWhiteSpace
    self.isPictographic = isPictographic
    self.isAsciiSpace = isAsciiSpace
  }

  var isNewline: Bool { wordBreak == .carriageReturn || wordBreak == .lineFeed || wordBreak == .newline }
}

/// The class of every scalar, in two stages: blocks of 64 scalars, which differ in the last byte of their UTF-8
/// alone, and a list that names the block of each. Equal blocks are kept once.
struct ScalarClassTable: Sendable {
  static let unicode = ScalarClassTable(runs: ScalarClass.runs)

  private static let blockSize = 64

  /// For each 64 scalars the place of their block in `classes`.
  let blocks: [UInt16]
  /// Indices into `ScalarClass.all`. ASCII has the first two blocks, so that a byte below 0x80 is its own place.
  let classes: [UInt8]

  init(runs: StaticString) {
    let all = Self.expanded(runs)
    var (blocks, classes): ([UInt16], [UInt8]) = ([], [])
    var places: [ArraySlice<UInt8>: UInt16] = [:]
    for start in stride(from: 0, to: all.count, by: Self.blockSize) {
      let block = all[start..<start + Self.blockSize]
      if places[block] == nil {
        places[block] = UInt16(classes.count)
        classes += block
      }
      blocks.append(places[block]!)
    }
    (self.blocks, self.classes) = (blocks, classes)
  }

  /// The index in `ScalarClass.all` of each code point's class.
  private static func expanded(_ runs: StaticString) -> [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(0x110000)
    runs.withUTF8Buffer { characters in
      var rest = characters[...]
      while let letter = rest.popFirst() {
        if letter == UInt8(ascii: "\n") { continue }
        var length = 0
        while let digit = rest.first.flatMap(digit) {
          length = length * 10 + digit
          rest.removeFirst()
        }
        all.append(contentsOf: repeatElement(classIndex(letter), count: max(length, 1)))
      }
    }
    precondition(all.count == 0x110000)
    return all
  }

  private static func digit(_ character: UInt8) -> Int? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) ? Int(character - UInt8(ascii: "0")) : nil
  }

  private static func classIndex(_ letter: UInt8) -> UInt8 {
    letter >= UInt8(ascii: "a") ? letter - UInt8(ascii: "a") + 26 : letter - UInt8(ascii: "A")
  }
}

extension ScalarClassTable {
  /// The table by its addresses, for loops that must not check bounds.
  struct Lookup {
    fileprivate let blocks: UnsafePointer<UInt16>
    fileprivate let classes: UnsafePointer<UInt8>

    /// The class of the scalar whose valid UTF-8 starts at `text`, and how many bytes it has.
    @inline(__always)
    func scalar(at text: UnsafePointer<UInt8>) -> (class: Int, size: Int) {
      let first = Int(text[0])
      if first < 0x80 { return (Int(classes[first]), 1) }
      if first < 0xE0 { return (scalarClass(first & 0x1F, text[1]), 2) }
      let second = Int(text[1] & 0x3F)
      if first < 0xF0 { return (scalarClass((first & 0xF) << 6 | second, text[2]), 3) }
      return (scalarClass((first & 0x7) << 12 | second << 6 | Int(text[2] & 0x3F), text[3]), 4)
    }

    @inline(__always)
    private func scalarClass(_ block: Int, _ last: UInt8) -> Int {
      Int(classes[Int(blocks[block]) + Int(last & 0x3F)])
    }
  }

  @inline(__always)
  func withUnsafeLookup<Result>(_ body: (Lookup) -> Result) -> Result {
    blocks.withUnsafeBufferPointer { blocks in
      classes.withUnsafeBufferPointer { classes in
        body(Lookup(blocks: blocks.baseAddress!, classes: classes.baseAddress!))
      }
    }
  }
}
