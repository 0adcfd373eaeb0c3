import HATRandom
import HATStorage

/// Makes short signatures of texts, in which texts with nearly the same words agree in part (Broder, On the resemblance and
/// containment of documents, 1997).
///
/// A text is the set of its shingles: every five words in a row. Of two sets A and B, |A ∩ B| / |A ∪ B| is their similarity s
/// (Jaccard). A signature has 112 values: the smallest hash of any shingle under each of 112 hash functions, so that each
/// value is the same in both with probability s. They lie in 14 bands of 8. Texts are near duplicates where a whole band
/// is the same, which has probability 1 - (1 - s⁸)¹⁴ (the numbers are those of FineWeb: Penedo et al. 2024, section 3.4).
///
/// Words are those of the rule `unicode`, in which ASCII letters are made small; white space, controls and punctuation of ASCII, of
/// Latin-1, and of the blocks General Punctuation and CJK Symbols are removed. A text of fewer than five words is one shingle; one
/// without words is as it is.
final class MinHash {
  static let shingleWords = 5
  static let bands = 14
  static let valuesPerBand = 8

  /// Values are computed sixteen at a time.
  private typealias Lanes = SIMD16<UInt32>
  private static let vectors = bands * valuesPerBand / Lanes.scalarCount

  /// Value i of a shingle x is multiplier i · x + addend i, modulo 2³².
  private let multipliers: UnsafeMutableBufferPointer<Lanes>
  private let addends: UnsafeMutableBufferPointer<Lanes>
  private let smallest: UnsafeMutableBufferPointer<Lanes>
  private let splitter = try! WordSplitter(.unicode, maximumWordBytes: .max)
  private var lengths: [UInt32] = []
  private var word: [UInt8] = []
  private var words: [UInt64] = []

  init() {
    func allocate() -> UnsafeMutableBufferPointer<Lanes> {
      let memory = UnsafeMutableBufferPointer<Lanes>.allocate(capacity: Self.vectors)
      memory.initialize(repeating: Lanes())
      return memory
    }
    (multipliers, addends, smallest) = (allocate(), allocate(), allocate())
    for index in 0..<Self.vectors * Lanes.scalarCount {
      let number = RandomSource.mix(Self.seed &+ UInt64(index))
      let (vector, lane) = index.quotientAndRemainder(dividingBy: Lanes.scalarCount)
      // Odd, so that different shingles have different values.
      multipliers[vector][lane] = UInt32(truncatingIfNeeded: number) | 1
      addends[vector][lane] = UInt32(truncatingIfNeeded: number >> 32)
    }
  }

  deinit {
    for memory in [multipliers, addends, smallest] { memory.deallocate() }
  }

  /// Any number would do, but units of one run must agree.
  private static let seed: UInt64 = 0x6E65_6172_2D64_7570

  /// A hash of each band of the text's signature.
  func bands(of text: UnsafeBufferPointer<UInt8>) -> [UInt64] {
    values(of: text)
    let (bytes, bandBytes) = (UnsafeRawBufferPointer(smallest), Self.valuesPerBand * 4)
    return (0..<Self.bands).map { band in
      let values = bytes[band * bandBytes..<(band + 1) * bandBytes]
      return Checksum(of: UnsafeRawBufferPointer(rebasing: values)).value
    }
  }

  /// The values of the text's signature.
  func signature(of text: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    values(of: text)
    return smallest.flatMap { lanes in lanes.indices.map { lanes[$0] } }
  }

  private func values(of text: UnsafeBufferPointer<UInt8>) {
    readWords(text)
    smallest.update(repeating: Lanes(repeating: .max))
    if words.isEmpty { words = [Checksum(of: UnsafeRawBufferPointer(text)).value] }
    let size = min(Self.shingleWords, words.count)
    for end in size...words.count {
      var hash: UInt64 = 0
      for position in end - size..<end { hash = (hash &+ words[position]) &* Self.factor }
      take(UInt32(truncatingIfNeeded: RandomSource.mix(hash) >> 32))
    }
  }

  /// Makes the hash of several words depend on their order. Odd, and otherwise any number (of SplitMix64).
  private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

  @inline(__always) private func take(_ shingle: UInt32) {
    let shingle = Lanes(repeating: shingle)
    for vector in 0..<Self.vectors {
      let value = multipliers[vector] &* shingle &+ addends[vector]
      let least = smallest[vector]
      smallest[vector] = least.replacing(with: value, where: value .< least)
    }
  }

  /// Hashes the words of the text.
  private func readWords(_ text: UnsafeBufferPointer<UInt8>) {
    splitter.split(text, into: &lengths)
    words.removeAll(keepingCapacity: true)
    var start = 0
    for length in lengths {
      let end = start + Int(length)
      readWord(UnsafeBufferPointer(rebasing: text[start..<end]))
      start = end
      if !word.isEmpty { words.append(word.withUnsafeBytes { Checksum(of: $0).value }) }
    }
  }

  private func readWord(_ bytes: UnsafeBufferPointer<UInt8>) {
    word.removeAll(keepingCapacity: true)
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x80 {
        let plain = Self.plain[Int(byte)]
        if plain != 0 { word.append(plain) }
        position += 1
      } else {
        let scalar = bytes[position...].prefix(byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4)
        if !Self.isPunctuation(scalar) { word.append(contentsOf: scalar) }
        position += scalar.count
      }
    }
  }

  /// The small letter or the digit that an ASCII character counts as; 0 for what does not count.
  private static let plain: [UInt8] = (0..<128).map { (byte: UInt8) in
    switch byte {
    case 0x30...0x39, 0x61...0x7A: byte
    case 0x41...0x5A: byte | 0x20
    default: 0
    }
  }

  /// U+00A0 to U+00BF, U+2000 to U+207F, U+3000 to U+303F.
  private static func isPunctuation(_ scalar: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    let (first, second) = (scalar[scalar.startIndex], scalar[scalar.startIndex + 1])
    return first == 0xC2 || (first == 0xE2 && second < 0x82) || (first == 0xE3 && second == 0x80)
  }
}
