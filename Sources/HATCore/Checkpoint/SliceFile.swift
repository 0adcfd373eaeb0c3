import HATKernels
import HATStorage
import SystemPackage

/// The bytes of a slice file (docs/checkpoints.md): a header of 64 bytes, then per section `count`
/// little-endian floats.
enum SliceFile {
  static let headerLength = 64
  static let formatVersion: UInt32 = 1
  private static let magic = Array("HATSLICE".utf8)
  private static let chunkLength = 8 << 20

  static func name(ofSlice index: Int) -> String {
    let digits = String(index)
    return "slice-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".bin"
  }

  static func length(count: Int) -> Int {
    headerLength + CheckpointSection.allCases.count * count * MemoryLayout<Float>.size
  }

  /// Magic, format version, number of sections, start and count, zeros: little-endian.
  static func header(_ range: Range<Int>) -> [UInt8] {
    var bytes = magic
    append(formatVersion, to: &bytes)
    append(UInt32(CheckpointSection.allCases.count), to: &bytes)
    append(UInt64(range.lowerBound), to: &bytes)
    append(UInt64(range.count), to: &bytes)
    return bytes + [UInt8](repeating: 0, count: headerLength - bytes.count)
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Writes and flushes a slice file.
  /// - Parameter sections: in the order of `CheckpointSection`, each [range].
  /// - Returns: the sections' checksums.
  static func write(
    _ range: Range<Int>, sections: [UnsafePointer<Float>], to path: FilePath,
    beforeOperation: (String) throws -> Void
  ) throws -> [Checksum] {
    try beforeOperation("create \(path)")
    let writer = try FileWriter(creating: path)
    try writer.write(header(range))
    let checksums = try sections.map { section in
      let bytes = UnsafeRawBufferPointer(UnsafeBufferPointer(start: section, count: range.count))
      for start in stride(from: 0, to: bytes.count, by: chunkLength) {
        try beforeOperation("write \(path)")
        let end = min(bytes.count, start + chunkLength)
        try writer.write(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      }
      return Checksum(of: bytes)
    }
    try beforeOperation("flush \(path)")
    try writer.synchronize()
    try writer.close()
    return checksums
  }
}
