import HATKernels
import HATStorage
import SystemPackage

/// Reads any part of a checkpoint, however many ranks wrote it; every float it returns has been verified. Parameters are finite:
/// nothing can be computed with others.
public struct CheckpointReader: Sendable {
  public let folder: FilePath
  public let manifest: CheckpointManifest
  /// The parameters, then the optimiser's sections.
  public let sections: [StateSection]
  private static let chunkFloats = 1 << 20

  /// - Throws: `UserError` when the manifest is missing, damaged or of another version.
  init(folder: FilePath) throws {
    self.folder = folder
    (manifest, sections) = try ManifestFile.read(from: folder.appending(ManifestFile.name))
  }

  /// Fills some floats of a section's flat buffer.
  /// - Parameters:
  ///   - section: its place among `sections`.
  ///   - parameters: the ranges of parameters whose floats are read.
  ///   - buffer: [sections[section].count], of which those floats are filled.
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file.
  public func read(_ section: Int, _ parameters: [Range<Int>], into buffer: FloatBuffer) throws {
    precondition(buffer.count == sections[section].count)
    let wanted = parameters.map { sections[section].range(of: $0) }
    let chunk = FloatBuffer(zeroed: Self.chunkFloats)
    for slice in manifest.slices
    where slice.ranges.contains(where: { range in parameters.contains { $0.overlaps(range) } }) {
      try read(section, of: slice, through: chunk) { place, floats in
        for range in wanted {
          let part = (place..<place + floats.count).clamped(to: range)
          guard !part.isEmpty else { continue }
          (buffer.base + part.lowerBound).update(
            from: floats.baseAddress! + part.lowerBound - place, count: part.count)
        }
      }
    }
  }

  /// Reads everything.
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file.
  public func verify() throws {
    let chunk = FloatBuffer(zeroed: Self.chunkFloats)
    for slice in manifest.slices {
      for section in sections.indices { try read(section, of: slice, through: chunk) { _, _ in } }
    }
  }

  /// Reads a whole section of a slice, since its checksum is of the whole, and hands it on piece by piece.
  private func read(
    _ section: Int, of slice: CheckpointSlice, through chunk: FloatBuffer,
    receive: (_ place: Int, _ floats: UnsafeBufferPointer<Float>) -> Void
  ) throws {
    let file = try open(slice)
    var offset = start(of: section, in: slice)
    let checksum = RunningChecksum()
    var isFinite = true
    for range in slice.ranges.map(sections[section].range(of:)) {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk.count) {
        let floats = UnsafeMutableBufferPointer(
          start: chunk.base, count: min(chunk.count, range.upperBound - start))
        try file.read(at: offset, into: UnsafeMutableRawBufferPointer(floats))
        checksum.update(UnsafeRawBufferPointer(floats))
        isFinite = isFinite && (section > 0 || Vector.allFinite(floats.baseAddress!, count: floats.count))
        receive(start, UnsafeBufferPointer(floats))
        offset += floats.count * MemoryLayout<Float>.size
      }
    }
    try require(checksum.checksum, slice, section)
    try requireFinite(isFinite, slice)
  }

  private func open(_ slice: CheckpointSlice) throws -> FileReader {
    let path = folder.appending(slice.file)
    guard DurableFile.exists(path) else { throw damaged(path, "the file is missing") }
    let file = try FileReader(opening: path)
    guard file.length == slice.length else {
      throw damaged(path, "it has \(file.length) bytes instead of \(slice.length)")
    }
    let header = try file.read(at: 0, count: start(of: 0, in: slice))
    guard Checksum(of: header) == slice.headerChecksum else {
      throw damaged(path, "the checksum of its header does not match")
    }
    guard SliceFile.isHeader(header, of: slice.ranges, sections) else {
      throw damaged(path, "it holds other tensors than the manifest says")
    }
    return file
  }

  private func require(_ checksum: Checksum, _ slice: CheckpointSlice, _ section: Int) throws {
    guard checksum == slice.checksums[section] else {
      throw damaged(
        folder.appending(slice.file), "the checksum of its section \(sections[section].name) does not match")
    }
  }

  private func requireFinite(_ isFinite: Bool, _ slice: CheckpointSlice) throws {
    guard isFinite else {
      throw damaged(folder.appending(slice.file), "it has parameters that are not finite")
    }
  }

  /// Where in a slice file a section begins, in bytes.
  private func start(of section: Int, in slice: CheckpointSlice) -> Int {
    slice.length - SliceFile.dataLength(slice.ranges, Array(sections[section...]))
  }

  private func damaged(_ path: FilePath, _ how: String) -> UserError { .damagedCheckpoint(at: path, how) }
}

extension CheckpointReader {
  /// The tensors of its model.
  /// - Throws: `UserError` of kind `invalidData` where its parameters are not those of a model of its configuration.
  public func table() throws -> TensorTable {
    let table = TensorTable(manifest.configuration.model)
    guard sections[0] == .parameters(table) else {
      throw damaged(folder, "its tensors are not those of a model of its configuration")
    }
    return table
  }

  /// The parameters, verified once. A unit of the model that is whole in one file is mapped; any other is put together in
  /// memory. Nothing else of the checkpoint is read.
  /// - Throws: `UserError` of kind `invalidData` that names the damaged file; what `table` throws.
  public func weights() throws -> ModelWeights {
    let table = try table()
    let parts = try manifest.slices.flatMap(mappedParameters)
    var owners: [AnyObject] = parts.map(\.file)
    let units = table.units.map { unit in
      if let part = parts.first(where: { $0.weights.range.contains(unit) }) {
        return Weights(part.weights.pointer(unit), unit)
      }
      let buffer = FloatBuffer(zeroed: unit.count)
      owners.append(buffer)
      for part in parts where part.weights.range.overlaps(unit) {
        let floats = part.weights.range.clamped(to: unit)
        (buffer.base + floats.lowerBound - unit.lowerBound).update(
          from: part.weights.pointer(floats), count: floats.count)
      }
      return Weights(buffer.base, unit)
    }
    return ModelWeights(table, units: units, owners: owners)
  }

  /// The parameters of a slice, range by range.
  private func mappedParameters(of slice: CheckpointSlice) throws -> [(weights: Weights, file: MappedFile)] {
    let file = try MappedFile(try open(slice))
    var offset = start(of: 0, in: slice)
    let length = SliceFile.dataLength(slice.ranges, [sections[0]])
    try require(Checksum(of: file.bytes(at: offset, count: length)), slice, 0)
    return try slice.ranges.map { range in
      defer { offset += range.count * MemoryLayout<Float>.size }
      let bytes = file.bytes(at: offset, count: range.count * MemoryLayout<Float>.size)
      let floats = bytes.baseAddress!.assumingMemoryBound(to: Float.self)
      try requireFinite(Vector.allFinite(floats, count: range.count), slice)
      return (Weights(floats, range), file)
    }
  }
}
