import HATStorage
import SystemPackage

/// The machines of a job, as Open MPI reads them: a line each, `node-1 slots=32`.
struct Hostfile {
  /// How many ranks they take together; nil if a line does not say, for then Open MPI counts that machine's cores.
  let slots: Int?

  /// - Throws: `UserError`: `missingInput`, also for a folder or a pipe; `invalidData` if it names no machine, or slots that
  ///   are no number.
  init(reading path: String) throws {
    let file = try FileReader(opening: FilePath(path))
    let text = String(decoding: try file.read(at: 0, count: file.length), as: UTF8.self)
    let machines = text.split(whereSeparator: \.isNewline).map { $0.prefix { $0 != "#" } }
      .map { $0.split { $0.isWhitespace || $0 == "=" } }.filter { !$0.isEmpty }
    guard !machines.isEmpty else {
      throw UserError(
        .invalidData, at: path, "it names no machine",
        hint: "Write a line for each, such as: node-1 slots=32.")
    }
    let counts = try machines.map { words in
      try words.firstIndex(of: "slots").map { index in
        guard let count = index + 1 < words.count ? Int(words[index + 1]) : nil, count >= 0 else {
          throw UserError(
            .invalidData, at: path, "the slots of \(words[0]) are no whole number",
            hint: "Write how many ranks the machine takes, such as: \(words[0]) slots=32.")
        }
        return count
      }
    }
    slots = counts.reduce(0) { sum, count in sum.flatMap { sum in count.map { sum + $0 } } }
  }
}
