import ArgumentParser
import Foundation
import HATText
import SystemPackage

/// A corpus and its weight, as `DIR` or `DIR:0.7`.
struct WeightedFolder: ExpressibleByArgument {
  /// As it was given.
  let argument: String
  let folder: String
  let weight: Double

  /// Only a number behind the last colon is a weight, so that folders may have colons in their names.
  init(argument: String) {
    self.argument = argument
    if let colon = argument.lastIndex(of: ":"),
      let weight = Self.number(argument[argument.index(after: colon)...])
    {
      (folder, self.weight) = (String(argument[..<colon]), weight)
    } else {
      (folder, weight) = (argument, 1)
    }
  }

  func validate() throws {
    guard weight > 0, weight.isFinite else {
      throw ValidationError("--data \(argument): a weight must be above 0.")
    }
    guard !folder.isEmpty else { throw ValidationError("--data \(argument): there is no folder.") }
  }

  /// A decimal number; not the words Swift takes for numbers too, such as nan.
  private static func number(_ text: Substring) -> Double? {
    text.allSatisfy { "+-.eE".contains($0) || ("0"..."9").contains($0) } ? Double(text) : nil
  }
}

extension Mixture {
  /// - Throws: `UserError` when a folder holds no sound corpus, or they cannot be mixed.
  init(_ folders: [WeightedFolder]) throws {
    try self.init(folders.map { (corpus: try Corpus(opening: FilePath($0.folder)), weight: $0.weight) })
  }
}
