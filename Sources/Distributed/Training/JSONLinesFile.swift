import Foundation
import Glibc
import HATStorage
import SystemPackage

/// A file of one JSON object per line, one line per step. When a run resumes from a step, later lines are removed.
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

  /// Removes the lines of later steps, and an unfinished last line. Lines that cannot be read are removed too, after the file
  /// was copied to another name.
  /// - Returns: how many later lines there were, and where lines could not be read, a sentence about them.
  func removeLines(after step: Int) throws -> (removed: Int, damage: String?) {
    let file = try FileReader(opening: path)
    let bytes = try file.read(at: 0, count: file.length)
    // Lines up to `end` stay where they are; `kept` are those behind a line that goes.
    var (end, kept, removed, damagedLines, start) = (0, [UInt8](), 0, 0, 0)
    while let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let next = newline + 1
      switch Self.step(ofLine: bytes[start..<newline]) {
      case nil: damagedLines += 1
      case let number? where number > step: removed += 1
      default: if end == start { end = next } else { kept += bytes[start..<next] }
      }
      start = next
    }
    let copy = damagedLines > 0 ? try keepCopy(bytes) : nil
    guard ftruncate(descriptor.rawValue, end) == 0 else { throw Self.failure(path, Errno(rawValue: errno)) }
    try append(kept)
    try synchronize()
    let damage = copy.map {
      "\(path): \(counted(damagedLines, "line")) could not be read. The others stay; the file as it was is now \($0)"
    }
    return (removed, damage)
  }

  private func keepCopy(_ bytes: [UInt8]) throws -> FilePath {
    var (copy, number) = (FilePath(path.string + ".damaged"), 1)
    while DurableFile.exists(copy) {
      number += 1
      copy = FilePath("\(path).damaged-\(number)")
    }
    try DurableFile.write(bytes, to: copy)
    return copy
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

  /// The step of a line, nil if it cannot be read.
  private static func step(ofLine line: ArraySlice<UInt8>) -> Int? {
    try? JSONDecoder().decode(Numbered.self, from: Data(line)).step
  }

  private static func failure(_ path: FilePath, _ error: Errno) -> UserError {
    UserError(
      .cannotWrite, at: path.string, "it cannot be written: \(error)",
      hint: "Free some space or fix the permissions, then run the same command again: it continues.")
  }
}

/// A JSON object of numbers on one line. Its memory is reused for the next line, so that recording a step allocates nothing.
struct JSONLine {
  /// UTF-8, including the newline.
  private(set) var bytes: [UInt8] = []

  mutating func begin() {
    bytes.removeAll(keepingCapacity: true)
    write("{")
  }

  mutating func add(_ name: String, _ value: Int) {
    addName(name)
    value.description.write(to: &self)
  }

  mutating func add(_ name: String, _ value: Double) {
    addName(name)
    write(value)
  }

  mutating func add(_ name: String, _ values: [Double]) {
    addName(name)
    write("[")
    for (index, value) in values.enumerated() {
      if index > 0 { write(",") }
      write(value)
    }
    write("]")
  }

  mutating func end() { write("}\n") }

  private mutating func addName(_ name: String) {
    write(bytes.count > 1 ? ",\"" : "\"")
    write(name)
    write("\":")
  }

  /// JSON has no infinities or NaN: they become null.
  private mutating func write(_ value: Double) {
    // Swift writes the shortest digits that read back as the same double.
    if value.isFinite { value.write(to: &self) } else { write("null") }
  }
}

extension JSONLine: TextOutputStream {
  mutating func write(_ string: String) {
    bytes.append(contentsOf: string.utf8)
  }

  /// Takes digits as they are. Without this the standard library makes a string of them, on the heap.
  mutating func _writeASCII(_ buffer: UnsafeBufferPointer<UInt8>) {
    bytes.append(contentsOf: buffer)
  }
}
