import Foundation
import HATStorage

/// Shared memory that runs of ours left behind because they were killed with their `mpirun`.
///
/// Open MPI removes the name of a window as soon as all ranks have it, and its own queues' (`vader_segment`) at the end
/// of a job, so that only a job of which nobody was left to do so leaves anything. A file goes when it is of this host
/// and this user, no process has it in its memory, and it is old enough not to be of a job that is just starting.
enum AbandonedSegments {
  static let folder = "/dev/shm"
  private static let leastAge: TimeInterval = 60

  /// Removes them, as far as that is allowed.
  static func remove() {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return }
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    remove(in: folder, host: host, processes: "/proc")
  }

  /// - Parameter processes: the folder that shows each process's memory.
  static func remove(in folder: String, host: String, processes: String, now: Date = Date()) {
    let name = host.split(separator: ".").first.map(String.init) ?? host
    let prefixes = ["osc_sm.\(name).", "vader_segment.\(name).\(geteuid())."]
    let files = FileManager.default
    let candidates = ((try? files.contentsOfDirectory(atPath: folder)) ?? []).filter { file in
      guard prefixes.contains(where: file.hasPrefix),
        let attributes = try? files.attributesOfItem(atPath: "\(folder)/\(file)"),
        attributes[.ownerAccountID] as? UInt == UInt(geteuid()),
        let changed = attributes[.modificationDate] as? Date
      else { return false }
      return now.timeIntervalSince(changed) >= leastAge
    }
    guard !candidates.isEmpty else { return }
    let inUse = mappedFiles(processes)
    for file in candidates where !inUse.contains("\(folder)/\(file)") {
      try? files.removeItem(atPath: "\(folder)/\(file)")
    }
  }

  /// The files of shared memory some process has in its memory.
  private static func mappedFiles(_ processes: String) -> Set<String> {
    var mapped: Set<String> = []
    for process in (try? FileManager.default.contentsOfDirectory(atPath: processes)) ?? []
    where process.allSatisfy(\.isNumber) {
      guard let maps = try? String(contentsOfFile: "\(processes)/\(process)/maps", encoding: .utf8) else {
        continue
      }
      for line in maps.split(separator: "\n") {
        if let start = line.firstIndex(of: "/") { mapped.insert(String(line[start...])) }
      }
    }
    return mapped
  }
}
