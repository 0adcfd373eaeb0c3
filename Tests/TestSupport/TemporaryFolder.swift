import Foundation

/// A new empty folder, removed with what it holds when the object goes.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() {
    var template = Array("\(NSTemporaryDirectory())/hat-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "a temporary folder can be made")
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of something in it.
  public func appending(_ name: String) -> String { "\(path)/\(name)" }

  /// Makes a file in it, and the folders above the file.
  public func write(_ text: String, to name: String) throws {
    let file = URL(fileURLWithPath: appending(name))
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }
}
