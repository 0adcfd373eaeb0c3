import HATKernels
import HATStorage
import SystemPackage

/// Reads any range of a checkpoint, however many ranks wrote it; every byte it returns has been verified.
public struct CheckpointReader {
  public let folder: FilePath
  public let manifest: CheckpointManifest
  private static let chunkFloats = 1 << 20

  /// - Throws: `UserError` when the manifest is missing or damaged.
  init(folder: FilePath) throws {
    self.folder = folder
    manifest = try CheckpointManifest.read(from: folder.appending(CheckpointManifest.fileName))
  }

  /// Fills `parameters` [manifest.parameterCount].
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file.
  public func readParameters(into parameters: UnsafeMutablePointer<Float>) throws {
    try read(.parameters, 0..<manifest.parameterCount, into: parameters)
  }

  /// Fills `destination` [range] with a section's floats of that range.
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file.
  public func read(
    _ section: CheckpointSection, _ range: Range<Int>, into destination: UnsafeMutablePointer<Float>
  ) throws {
    try read(section, [range], of: destination - range.lowerBound)
  }

  /// Fills some ranges of the flat buffer that starts, or would start, at `buffer` with a section's floats.
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file.
  public func read(
    _ section: CheckpointSection, _ ranges: [Range<Int>], of buffer: UnsafeMutablePointer<Float>
  ) throws {
    precondition(ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= manifest.parameterCount })
    let chunk = FloatBuffer(zeroed: min(Self.chunkFloats, manifest.slices.map(\.count).max() ?? 0))
    for slice in manifest.slices where ranges.contains(where: slice.range.overlaps) {
      try read(section, of: slice, through: chunk) { place, floats in
        for range in ranges {
          let wanted = (place..<place + floats.count).clamped(to: range)
          guard !wanted.isEmpty else { continue }
          (buffer + wanted.lowerBound).update(
            from: floats.baseAddress! + wanted.lowerBound - place, count: wanted.count)
        }
      }
    }
  }

  /// Reads everything.
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file.
  public func verify() throws {
    let chunk = FloatBuffer(zeroed: min(Self.chunkFloats, manifest.slices.map(\.count).max() ?? 0))
    for slice in manifest.slices {
      for section in CheckpointSection.allCases {
        try read(section, of: slice, through: chunk) { _, _ in }
      }
    }
  }

  /// Reads a whole section, since its checksum is of the whole, and hands it on piece by piece.
  private func read(
    _ section: CheckpointSection, of slice: CheckpointSlice, through chunk: FloatBuffer,
    receive: (_ place: Int, _ floats: UnsafeBufferPointer<Float>) -> Void
  ) throws {
    let file = try open(slice)
    let sectionStart = SliceFile.headerLength + section.index * slice.count * MemoryLayout<Float>.size
    let checksum = RunningChecksum()
    for start in stride(from: 0, to: slice.count, by: chunk.count) {
      let floats = UnsafeMutableBufferPointer(
        start: chunk.base, count: min(chunk.count, slice.count - start))
      try file.read(
        at: sectionStart + start * MemoryLayout<Float>.size, into: UnsafeMutableRawBufferPointer(floats))
      checksum.update(UnsafeRawBufferPointer(floats))
      receive(slice.start + start, UnsafeBufferPointer(floats))
    }
    guard checksum.checksum == slice.checksum(of: section) else {
      throw damaged(file.path, "the checksum of its \(section.rawValue) does not match")
    }
  }

  private func open(_ slice: CheckpointSlice) throws -> FileReader {
    let path = folder.appending(slice.file)
    guard DurableFile.exists(path) else { throw damaged(path, "the file is missing") }
    let file = try FileReader(opening: path)
    guard file.length == slice.length else {
      throw damaged(path, "it has \(file.length) bytes instead of \(slice.length)")
    }
    guard try file.read(at: 0, count: SliceFile.headerLength) == SliceFile.header(slice.range) else {
      throw damaged(path, "its header does not match")
    }
    return file
  }

  private func damaged(_ path: FilePath, _ how: String) -> UserError {
    UserError(
      .invalidData, at: path.string, "this checkpoint is damaged: \(how)",
      hint: "Use an earlier one: `hat-mpirun inspect checkpoint RUN` lists them.")
  }
}
