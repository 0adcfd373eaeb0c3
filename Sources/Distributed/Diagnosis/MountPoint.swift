import Foundation
import Glibc

/// The file system that a folder is on.
struct MountPoint: Codable, Equatable {
  /// Such as `ext4`, `nfs4`, `lustre`.
  var kind: String
  /// What is mounted: a disk, or a server and its folder.
  var source: String

  /// In memory: gone when the machine restarts.
  var isVolatile: Bool { kind == "tmpfs" || kind == "ramfs" }

  /// nil where the kernel does not say.
  init?(of path: String, root: String = "/") {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    self.init(ofResolved: String(cString: resolved), mounts: KernelFile.lines(root + "proc/self/mountinfo"))
  }

  /// - Parameter mounts: lines of /proc/self/mountinfo, proc(5):
  ///   `36 35 98:0 /root /mount options optional… - kind source options`.
  init?(ofResolved path: String, mounts: [Substring]) {
    var best: (length: Int, kind: Substring, source: Substring)?
    for line in mounts {
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash > 4, fields.count > dash + 2 else { continue }
      let folder = Self.unescaped(fields[4])
      let isAbove = folder == "/" || path == folder || path.hasPrefix(folder + "/")
      // Of several on one folder the last one is seen.
      if isAbove && folder.utf8.count >= best?.length ?? 0 {
        best = (folder.utf8.count, fields[dash + 1], fields[dash + 2])
      }
    }
    guard let best else { return nil }
    (kind, source) = (String(best.kind), Self.unescaped(best.source))
  }

  /// Blanks and the like are `\040`.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
