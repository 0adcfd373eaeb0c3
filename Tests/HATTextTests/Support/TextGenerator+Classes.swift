@testable import HATText

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
