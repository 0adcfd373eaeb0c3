import Foundation

/// Files in which the kernel says something.
enum KernelFile {
  /// nil if it is not there.
  static func text(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8)).map { trimmed($0) }
  }

  /// None if it is not there.
  static func lines(_ path: String) -> [Substring] { (text(path) ?? "").split(separator: "\n") }

  static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
