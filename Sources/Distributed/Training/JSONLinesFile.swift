import Foundation
import Glibc
import HATStorage
import SystemPackage

/// A file that grows by a line a step, and is cut back to a step when a run goes on from there.
final class JSONLinesFile: Sendable {
  private let path: FilePath
  private let descriptor: FileDescriptor

  /// Opens or creates the file.
  /// - Throws: `UserError` of kind `cannotWrite`.
  init(appendingTo path: FilePath) throws {
    self.path = path
    do {
      descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .append, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch let error as Errno {
      throw Self.failure(path, error)
    }
  }

  deinit {
    try? descriptor.close()
  }

  func append(_ line: String) throws { try append(Array((line + "\n").utf8)) }

  func append(_ line: JSONLine) throws { try append(line.bytes) }

  private func append(_ bytes: [UInt8]) throws {
    do {
      _ = try descriptor.writeAll(bytes)
    } catch let error as Errno {
      throw Self.failure(path, error)
    }
  }

  /// Returns when all lines are on the disk.
  func synchronize() throws {
    guard fsync(descriptor.rawValue) == 0 else { throw Self.failure(path, Errno(rawValue: errno)) }
  }

  /// Removes the lines of later steps, and a last line that was not finished.
  func cut(after step: Int) throws {
    let file = try FileReader(opening: path)
    let bytes = try file.read(at: 0, count: file.length)
    guard ftruncate(descriptor.rawValue, Self.end(ofStep: step, in: bytes)) == 0 else {
      throw Self.failure(path, Errno(rawValue: errno))
    }
  }

  /// The steps that have a line.
  func steps() throws -> [Int] {
    let file = try FileReader(opening: path)
    return try file.read(at: 0, count: file.length).split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Numbered.self, from: Data($0)).step
    }
  }

  private struct Numbered: Decodable {
    var step: Int
  }

  /// Bytes up to and with the last whole line of a step not after `step`.
  private static func end(ofStep step: Int, in bytes: [UInt8]) -> Int {
    var end = 0
    while let newline = bytes[end...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = Data(bytes[end..<newline])
      guard let numbered = try? JSONDecoder().decode(Numbered.self, from: line), numbered.step <= step
      else { break }
      end = newline + 1
    }
    return end
  }

  private static func failure(_ path: FilePath, _ error: Errno) -> UserError {
    UserError(
      .cannotWrite, at: path.string, "it cannot be written: \(error)",
      hint: "Free some space or mend the permissions, then run the same command again: it continues.")
  }
}
