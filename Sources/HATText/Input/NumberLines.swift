import Glibc
import HATStorage
import SystemPackage

/// Reads numbers from files of a JSON object a line, such as metrics.jsonl, a piece at a time: a file of any length needs the
/// same memory.
package final class NumberLines {
  /// What could not be read of a file.
  package struct Damage: Sendable, Equatable {
    /// Lines that are no objects.
    package var lines = 0
    /// Whether the last line has no end: it is being written, or was when the machine stopped.
    package var isUnfinished = false

    package init() {}
  }

  private static let pieceBytes = 1 << 20

  private let reader: JSONDocumentReader
  private var numbers: [Double]
  private var bytes: [UInt8] = []

  /// - Parameter keys: of the outermost fields wanted.
  package init(keys: [String]) {
    reader = JSONDocumentReader(path: [], keeping: keys, withScalars: Set(keys))
    numbers = Array(repeating: .nan, count: keys.count)
  }

  /// - Parameter take: called with each line's numbers, in the order of the keys; not a number where there is none. It returns
  ///   whether they are what they should be.
  /// - Throws: `UserError`: `missingInput`, or `invalidData` where the file was cut short meanwhile.
  package func read(_ path: FilePath, _ take: (_ numbers: [Double]) -> Bool) throws -> Damage {
    let file = try FileReader(opening: path)
    var (damage, offset) = (Damage(), 0)
    bytes.removeAll(keepingCapacity: true)
    while offset < file.length {
      let count = min(Self.pieceBytes, file.length - offset)
      bytes += try file.read(at: offset, count: count)
      offset += count
      damage.lines += takeLines(take)
    }
    damage.isUnfinished = !bytes.isEmpty
    return damage
  }

  /// Takes the lines that have come to their end, and keeps the rest.
  /// - Returns: how many could not be read.
  private func takeLines(_ take: (_ numbers: [Double]) -> Bool) -> Int {
    let count = bytes.count
    bytes += repeatElement(0, count: JSONDocumentReader.padding)
    let (damaged, end) = bytes.withUnsafeBufferPointer { all in
      var (damaged, start) = (0, 0)
      while let newline = memchr(all.baseAddress! + start, 0x0A, count - start) {
        let length = UnsafeRawPointer(newline) - UnsafeRawPointer(all.baseAddress! + start)
        if !takeLine(UnsafeBufferPointer(rebasing: all[start..<start + length]), take) { damaged += 1 }
        start += length + 1
      }
      return (damaged, start)
    }
    bytes = Array(bytes[end..<count])
    return damaged
  }

  private func takeLine(_ line: UnsafeBufferPointer<UInt8>, _ take: (_ numbers: [Double]) -> Bool) -> Bool {
    guard !line.isEmpty, let values = try? reader.scalars(line) else { return false }
    for (index, value) in values.enumerated() {
      numbers[index] = value.map { Self.number($0, in: line) } ?? .nan
    }
    return take(numbers)
  }

  /// A number ends where JSON goes on, so that no copy is needed.
  /// - Parameter token: a part of the line; elsewhere lies what was unescaped: a string.
  private static func number(
    _ token: UnsafeBufferPointer<UInt8>, in line: UnsafeBufferPointer<UInt8>
  ) -> Double {
    let (start, lineStart) = (token.baseAddress!, line.baseAddress!)
    guard start >= lineStart, start < lineStart + line.count else { return .nan }
    return start.withMemoryRebound(to: CChar.self, capacity: token.count) { digits in
      var end: UnsafeMutablePointer<CChar>?
      let number = strtod(digits, &end)
      // `true` and `false` end elsewhere: they are no numbers.
      return end == UnsafeMutablePointer(mutating: digits + token.count) ? number : .nan
    }
  }
}
