import Foundation
import HATCore
import SystemPackage

/// The files of `configs`.
enum Presets {
  static func load(_ name: String) throws -> Configuration {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try Configuration.load(from: FilePath(repository.path + "/configs/\(name).yaml"))
  }
}
