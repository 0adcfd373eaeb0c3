import Foundation
import Glibc

/// The processes of this machine that a process has started, and those that they have.
enum ProcessTree {
  /// Ends them and the process itself, also those that are stopped. Whoever survives its parent is found by nobody, so
  /// they are all looked up before the first is ended.
  static func kill(_ root: pid_t) {
    for process in descendants(of: root) + [root] { Glibc.kill(process, SIGKILL) }
  }

  static func descendants(of root: pid_t) -> [pid_t] {
    let children = Dictionary(grouping: all(), by: \.parent)
    var found: [pid_t] = []
    var next = [root]
    while let parent = next.popLast() {
      let own = children[parent, default: []].map(\.process)
      found += own
      next += own
    }
    return found
  }

  private static func all() -> [(process: pid_t, parent: pid_t)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.compactMap { process in
      parent(of: process).map { (process, $0) }
    }
  }

  /// nil for a process that is gone.
  private static func parent(of process: pid_t) -> pid_t? {
    // `1234 (name, with any characters) S 1 …`
    guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let nameEnd = line.lastIndex(of: ")")
    else { return nil }
    let fields = line[line.index(after: nameEnd)...].split(separator: " ")
    return fields.count > 1 ? pid_t(fields[1]) : nil
  }
}
