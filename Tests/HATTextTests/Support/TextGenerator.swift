import HATRandom

@testable import HATText

/// Deterministic random text, ordinary and hostile.
struct TextGenerator: RandomNumberGenerator {
  private var source: RandomSource

  init(seed: UInt64) {
    source = RandomSource(keys: seed)
  }

  mutating func next() -> UInt64 { source.next() }

  /// Scalars at every edge of UTF-8, all white space and what looks like it, marks, emoji.
  private static let scalars: [Unicode.Scalar] =
    ["a", "b", "Z", "0", ".", ",", "_", "'", " ", " ", " ", "\n", "\t", "\r"]
    + [
      0x00, 0x0B, 0x0C, 0x1C, 0x1F, 0x7F, 0x80, 0x85, 0xA0, 0x7FF, 0x800, 0x1680, 0x180E, 0x1FFF, 0x2000,
      0x2005, 0x200A, 0x200B, 0x200D, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x2FFF, 0x3000, 0x3001, 0x301,
      0x4E2D, 0x6587, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFF, 0x10000, 0x1F600, 0x1F469, 0x10FFFF, 0xE9,
      0x416,
    ].map { Unicode.Scalar($0 as UInt32)! }

  /// Valid UTF-8 of at least `count` scalars.
  mutating func text(scalars count: Int) -> [UInt8] {
    var text = String.UnicodeScalarView()
    var total = 0
    while total < count {
      let scalar = Self.scalars.randomElement(using: &self)!
      let run = Int.random(in: 0..<12, using: &self) == 0 ? Int.random(in: 1...80, using: &self) : 1
      for _ in 0..<run { text.append(scalar) }
      total += run
    }
    return Array(String(text).utf8)
  }

  /// Text of letters and spaces.
  mutating func prose(words count: Int) -> String {
    (0..<count).map { _ in
      String(
        (0..<Int.random(in: 1...11, using: &self)).map { _ in "etaoinshrdlu".randomElement(using: &self)! })
    }.joined(separator: " ")
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
  }
}

/// Some scalars of each class that the rule `unicode` tells apart.
enum ClassMembers {
  static let all: [[Unicode.Scalar]] = {
    let table = ScalarClassTable.unicode
    var members = [[Unicode.Scalar]](repeating: [], count: ScalarClass.all.count)
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let place = table.classIndex(scalar)
      // The first dozen, then few.
      if members[place].count < 12 || value % 1009 == 0 { members[place].append(scalar) }
    }
    return members
  }()

  static var representatives: [Unicode.Scalar] { all.map { $0[0] } }
}

extension TextGenerator {
  /// Text in which every class of scalars is as frequent as any other.
  mutating func textOfAllClasses(scalars count: Int) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<count {
      text.append(ClassMembers.all.randomElement(using: &self)!.randomElement(using: &self)!)
    }
    return String(text)
  }
}

extension ScalarClassTable {
  func classIndex(_ scalar: Unicode.Scalar) -> Int {
    let value = Int(scalar.value)
    return Int(classes[Int(blocks[value >> 6]) + value & 63])
  }

  func scalarClass(_ scalar: Unicode.Scalar) -> ScalarClass {
    ScalarClass.all[classIndex(scalar)]
  }
}
