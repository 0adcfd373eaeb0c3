import Foundation
import Glibc

/// The name of the machine this process runs on.
public enum NodeName {
  /// From the kernel: a network look-up might hang when the network does.
  public static var current: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// What has started a process of this machine.
public enum Ancestry {
  /// The process that has started another; nil for one that is gone.
  public static func parent(of process: pid_t) -> pid_t? {
    // `1234 (name, with any characters) S 1 …`
    guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let nameEnd = line.lastIndex(of: ")")
    else { return nil }
    let fields = line[line.index(after: nameEnd)...].split(separator: " ")
    return fields.count > 1 ? pid_t(fields[1]) : nil
  }

  /// Its parent, the parent's parent, and so on; empty for a process that is gone.
  static func ancestors(of process: pid_t) -> [pid_t] {
    var found: [pid_t] = []
    while found.count < most, let parent = parent(of: found.last ?? process), parent > 0 {
      found.append(parent)
    }
    return found
  }

  private static let most = 64
}
