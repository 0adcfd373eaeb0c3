import Foundation
import Glibc

/// Finds the processes of one rank of a run, among all of this machine's.
enum RankProcess {
  /// The process that is `rank` of the job writing to `run`; nil while there is none.
  static func identifier(ofRank rank: Int, run: String) -> pid_t? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.first { identifier in
      let words = strings(of: "/proc/\(identifier)/cmdline")
      return words.first?.hasSuffix("hat-mpirun") == true
        && (words.contains(run) || words.contains("--output=\(run)"))
        && strings(of: "/proc/\(identifier)/environ").contains("OMPI_COMM_WORLD_RANK=\(rank)")
    }
  }

  /// Bytes of memory of a rank, what it shares with others divided by their number; nil while there is no such rank.
  static func proportionalBytes(ofRank rank: Int, run: String) -> Int? {
    guard let identifier = identifier(ofRank: rank, run: run),
      let handle = FileHandle(forReadingAtPath: "/proc/\(identifier)/smaps_rollup"),
      let data = try? handle.readToEnd(),
      let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first(where: {
        $0.hasPrefix("Pss:")
      })
    else { return nil }
    return line.split(separator: " ").compactMap { Int($0) }.first.map { $0 * 1024 }
  }

  /// Sends a signal to a rank, which must be there.
  static func signal(_ signal: Int32, rank: Int, run: String) -> Bool {
    guard let identifier = identifier(ofRank: rank, run: run) else { return false }
    return kill(identifier, signal) == 0
  }

  /// Whether a rank of the job is still there.
  static func exists(run: String) -> Bool {
    (0..<8).contains { identifier(ofRank: $0, run: run) != nil }
  }

  private static func strings(of file: String) -> [String] {
    // Files of /proc say they are empty: read them to their end.
    guard let handle = FileHandle(forReadingAtPath: file) else { return [] }
    defer { try? handle.close() }
    let data = (try? handle.readToEnd()) ?? Data()
    return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// Waits until something is so.
/// - Returns: whether it came about within `seconds`.
func eventually(within seconds: Double, _ condition: () -> Bool) -> Bool {
  let end = Date().addingTimeInterval(seconds)
  while Date() < end {
    if condition() { return true }
    usleep(20_000)
  }
  return condition()
}
