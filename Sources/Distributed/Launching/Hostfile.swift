import HATStorage
import SystemPackage

/// The machines of a job, as Open MPI reads them: a line each, `node-1 slots=32`.
struct Hostfile {
  /// `slots` is how many ranks the machine takes; nil where its line does not say, and Open MPI counts its cores.
  let machines: [(name: String, slots: Int?)]

  /// How many ranks they take together; nil if a line does not say.
  var slots: Int? {
    machines.reduce(0) { sum, machine in sum.flatMap { sum in machine.slots.map { sum + $0 } } }
  }

  /// More than any machine has: the sum of all lines is a number too.
  private static let possibleSlots = 0...1_000_000

  /// - Throws: `UserError`: `missingInput`, also for a folder or a pipe; `invalidData` if it names no machine, or slots that
  ///   are no possible number.
  init(reading path: String) throws {
    let file = try FileReader(opening: FilePath(path))
    let text = String(decoding: try file.read(at: 0, count: file.length), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.prefix { $0 != "#" } }
      .map { $0.split { $0.isWhitespace || $0 == "=" } }.filter { !$0.isEmpty }
    guard !lines.isEmpty else {
      throw UserError(
        .invalidData, at: path, "it names no machine",
        hint: "Write a line for each, such as: node-1 slots=32.")
    }
    machines = try lines.map { words in
      let slots = try words.firstIndex(of: "slots").map { index in
        guard let count = index + 1 < words.count ? Int(words[index + 1]) : nil,
          Self.possibleSlots.contains(count)
        else {
          throw UserError(
            .invalidData, at: path,
            "the slots of \(words[0]) are no whole number from 0 to \(Self.possibleSlots.upperBound)",
            hint: "Write how many ranks the machine takes, such as: \(words[0]) slots=32.")
        }
        return count
      }
      return (String(words[0]), slots)
    }
  }
}
