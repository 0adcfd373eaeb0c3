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
/// Words are those of the rule `unicode`, in which ASCII letters are made small; white space, controls and punctuation of ASCII, and
/// the scalars U+0080 to U+00BF, U+2000 to U+207F and U+3000 to U+303F are removed, superscript digits among them. A text of fewer
/// than five words is one shingle; one without words is as it is.
struct MinHash {
  static let shingleWords = 5
  static let bands = 14
  static let valuesPerBand = 8

  /// Values are computed sixteen at a time.
  private typealias Lanes = SIMD16<UInt32>
  private static let vectors: Int = bands * valuesPerBand / Lanes.scalarCount

  /// Value i of a shingle x is multiplier i · x + addend i, modulo 2³².
  private var multipliers: [Lanes]
  private var addends: [Lanes]
  private let splitter = try! WordSplitter(.unicode, maximumWordBytes: .max)
  // Kept for the next text, so that no memory is taken for it.
  private var smallest: [Lanes]
  private var lengths: [UInt32] = []
  private var word: [UInt8] = []
  private var words: [UInt64] = []

  init() {
    let zeros = [Lanes](repeating: Lanes(), count: Self.vectors)
    (multipliers, addends, smallest) = (zeros, zeros, zeros)
    for index in 0..<Self.vectors * Lanes.scalarCount {
      let number = RandomSource.mix(Self.seed &+ UInt64(index))
      let (vector, lane) = index.quotientAndRemainder(dividingBy: Lanes.scalarCount)
      // Odd, so that different shingles have different values.
      multipliers[vector][lane] = UInt32(truncatingIfNeeded: number) | 1
      addends[vector][lane] = UInt32(truncatingIfNeeded: number >> 32)
    }
  }

  /// Any number would do, but units of one run must agree.
  private static let seed: UInt64 = 0x6E65_6172_2D64_7570

  /// A hash of each band of the text's signature.
  mutating func bands(of text: UnsafeBufferPointer<UInt8>) -> [UInt64] {
    findValues(of: text)
    let bandBytes = Self.valuesPerBand * 4
    return smallest.withUnsafeBytes { bytes in
      (0..<Self.bands).map { band in
        let values = bytes[band * bandBytes..<(band + 1) * bandBytes]
        return Checksum(of: UnsafeRawBufferPointer(rebasing: values)).value
      }
    }
  }

  /// The values of the text's signature.
  mutating func signature(of text: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    findValues(of: text)
    return smallest.flatMap { lanes in lanes.indices.map { lanes[$0] } }
  }

  private mutating func findValues(of text: UnsafeBufferPointer<UInt8>) {
    readWords(text)
    if words.isEmpty { words = [Checksum(of: UnsafeRawBufferPointer(text)).value] }
    let size = min(Self.shingleWords, words.count)
    smallest.withUnsafeMutableBufferPointer { smallest in
      smallest.update(repeating: Lanes(repeating: .max))
      for end in size...words.count {
        var hash: UInt64 = 0
        for position in end - size..<end { hash = (hash &+ words[position]) &* Self.factor }
        let shingle = Lanes(repeating: UInt32(truncatingIfNeeded: RandomSource.mix(hash) >> 32))
        for vector in 0..<Self.vectors {
          let value = multipliers[vector] &* shingle &+ addends[vector]
          let least = smallest[vector]
          smallest[vector] = least.replacing(with: value, where: value .< least)
        }
      }
    }
  }

  /// Makes the hash of several words depend on their order. Odd, and otherwise any number (of SplitMix64).
  private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
}

// MARK: - Words

extension MinHash {
  /// Hashes the words of the text.
  private mutating func readWords(_ text: UnsafeBufferPointer<UInt8>) {
    splitter.split(text, into: &lengths)
    words.removeAll(keepingCapacity: true)
    let longest = Int(lengths.max() ?? 0)
    if word.count < longest { word = Array(repeating: 0, count: longest) }
    Self.plain.withUnsafeBufferPointer { plain in
      word.withUnsafeMutableBufferPointer { word in
        var start = 0
        for length in lengths {
          let end = start + Int(length)
          let count = Self.normalize(text, start..<end, plain, into: word)
          start = end
          guard count > 0 else { continue }
          words.append(
            Checksum(of: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(word)[..<count])).value)
        }
      }
    }
  }

  /// Writes what counts of a word.
  /// - Returns: how many bytes that is.
  @inline(__always) private static func normalize(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ plain: UnsafeBufferPointer<UInt8>,
    into word: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    var (position, count) = (range.lowerBound, 0)
    while position < range.upperBound {
      let byte = text[position]
      if byte < 0x80 {
        word[count] = plain[Int(byte)]
        if word[count] != 0 { count += 1 }
        position += 1
      } else {
        let bytes = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        if !isPunctuation(byte, text[position + 1]) {
          for index in position..<position + bytes {
            word[count] = text[index]
            count += 1
          }
        }
        position += bytes
      }
    }
    return count
  }

  /// The small letter or the digit that an ASCII character counts as; 0 for what does not count.
  private static let plain: [UInt8] = (0..<128).map { (byte: UInt8) in
    switch byte {
    case 0x30...0x39, 0x61...0x7A: byte
    case 0x41...0x5A: byte | 0x20
    default: 0
    }
  }

  /// Whether a scalar that begins with two bytes is one of U+0080 to U+00BF, U+2000 to U+207F, U+3000 to U+303F.
  private static func isPunctuation(_ first: UInt8, _ second: UInt8) -> Bool {
    first == 0xC2 || (first == 0xE2 && second < 0x82) || (first == 0xE3 && second == 0x80)
  }
}
