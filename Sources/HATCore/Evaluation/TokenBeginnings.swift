import HATText

/// The tokens of a vocabulary by their beginnings: those that begin with the same bytes lie side by side.
struct TokenBeginnings {
  private let vocabulary: SubwordVocabulary
  /// All with text, in the order of their bytes.
  private var sorted: [Int32]
  /// By token: its place among them, and the end of those that begin with it.
  private var ranges: [Range<Int>]

  init(_ vocabulary: SubwordVocabulary) {
    self.vocabulary = vocabulary
    sorted = (0..<Int32(vocabulary.count)).filter { vocabulary.length(of: $0) > 0 }
    sorted.sort { vocabulary.bytes(of: $0).lexicographicallyPrecedes(vocabulary.bytes(of: $1)) }
    ranges = Array(repeating: 0..<0, count: vocabulary.count)
    for (start, token) in sorted.enumerated() {
      let bytes = vocabulary.bytes(of: token)
      var end = start + 1
      while end < sorted.count, vocabulary.bytes(of: sorted[end]).starts(with: bytes) { end += 1 }
      ranges[Int(token)] = start..<end
    }
  }

  /// The places of all tokens with text.
  var places: Range<Int> { sorted.indices }

  /// Those that begin with the bytes of a token, itself among them.
  subscript(token: Int32) -> ArraySlice<Int32> { sorted[ranges[Int(token)]] }

  /// The tokens at some places.
  subscript(places: Range<Int>) -> ArraySlice<Int32> { sorted[places] }

  func contains(_ other: Int32, among token: Int32) -> Bool {
    ranges[Int(token)].contains(ranges[Int(other)].lowerBound) && !ranges[Int(other)].isEmpty
  }

  /// Byte `offset` of a token; nil where the token ends before it.
  func byte(_ offset: Int, of token: Int32) -> UInt8? {
    let bytes = vocabulary.bytes(of: token)
    return offset < bytes.count ? bytes[bytes.startIndex + offset] : nil
  }

  /// Those of some places that go on with a byte.
  /// - Parameters:
  ///   - places: of all tokens that begin with the same `offset` bytes.
  ///   - offset: of the byte.
  func places(_ places: Range<Int>, where byte: UInt8, at offset: Int) -> Range<Int> {
    // A token that ends there comes before all that go on.
    let start = places.firstIndex(behind: { self.byte(offset, of: sorted[$0]).map { $0 < byte } ?? true })
    let rest = start..<places.upperBound
    return start..<rest.firstIndex(behind: { self.byte(offset, of: sorted[$0])! <= byte })
  }
}
