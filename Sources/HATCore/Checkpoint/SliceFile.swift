import HATStorage
import SystemPackage

/// A slice file (docs/checkpoints.md): a safetensors file with what one rank owns, section after section.
///
/// A tensor that is whole in the slice is `SECTION.NAME` with its own shape; a part of one is `SECTION.NAME[first:end]`,
/// flat, where `end` is one past its last float.
enum SliceFile {
  /// Whether a header of that many bytes is possible: it aligns the floats, which are used in the mapped file.
  static func isHeaderLength(_ length: Int) -> Bool {
    (8...SafetensorsFile.maximumHeaderLength + 8).contains(length) && length % SafetensorsFile.alignment == 0
  }

  private static let chunkLength = 8 << 20

  static func name(ofSlice index: Int) -> String {
    let digits = String(index)
    return "slice-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".safetensors"
  }

  /// Bytes of the floats that belong to some parameters.
  static func dataLength(_ ranges: [Range<Int>], _ sections: [StateSection]) -> Int {
    sections.floats(of: ranges) * MemoryLayout<Float>.size
  }

  /// Writes and flushes a slice file.
  /// - Parameters:
  ///   - ranges: of parameters, ascending.
  ///   - data: the floats of a section that belong to a range.
  static func write(
    _ ranges: [Range<Int>], _ sections: [StateSection], index: Int, in folder: FilePath,
    data: (_ section: Int, _ range: Int) -> UnsafeBufferPointer<Float>,
    beforeOperation: (String) throws -> Void
  ) throws -> CheckpointSlice {
    let name = name(ofSlice: index)
    let path = folder.appending(name)
    try beforeOperation("create \(path)")
    let writer = try FileWriter(creating: path)
    let header = try SafetensorsFile.header(of: tensors(ranges, sections), metadata: metadata)
    try writer.write(header)
    let checksums = try sections.indices.map { section in
      let checksum = RunningChecksum()
      for range in ranges.indices {
        let bytes = UnsafeRawBufferPointer(data(section, range))
        for start in stride(from: 0, to: bytes.count, by: chunkLength) {
          try beforeOperation("write \(path)")
          let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + chunkLength)])
          try writer.write(chunk)
          checksum.update(chunk)
        }
      }
      return checksum.checksum
    }
    try beforeOperation("flush \(path)")
    try writer.synchronize()
    try writer.close()
    return CheckpointSlice(
      file: name, ranges: ranges, length: writer.length, headerChecksum: Checksum(of: header),
      checksums: checksums)
  }

  /// Whether these bytes, the length and the header, list what a slice holds, at its places.
  static func isHeader(_ bytes: [UInt8], of ranges: [Range<Int>], _ sections: [StateSection]) -> Bool {
    SafetensorsFile.entries(inHeader: bytes)
      == SafetensorsFile.entries(of: tensors(ranges, sections), metadata: metadata)
  }

  private static let metadata = ["format": "hat-checkpoint"]

  private static func tensors(
    _ ranges: [Range<Int>], _ sections: [StateSection]
  ) -> [(name: String, shape: [Int])] {
    sections.flatMap { entries(ranges, in: $0) }
  }

  /// What the header lists of a section, in the order of its floats.
  private static func entries(
    _ ranges: [Range<Int>], in section: StateSection
  ) -> [(name: String, shape: [Int])] {
    ranges.flatMap { parameters in
      section.entries.filter { $0.parameters.overlaps(parameters) }.map { entry in
        let floats = entry.range.clamped(to: section.range(of: parameters))
        let name = "\(section.name).\(entry.name)"
        if floats == entry.range { return (name, entry.shape) }
        let first = floats.lowerBound - entry.range.lowerBound
        return ("\(name)[\(first):\(first + floats.count)]", [floats.count])
      }
    }
  }
}
