import HATStorage
import SystemPackage

/// A Parquet file (github.com/apache/parquet-format, version 2.11), of which single columns are read.
///
/// What it declares is held against the file before memory is taken for it. Indexes, filters and statistics are not looked at.
public final class ParquetFile {
  public let path: FilePath
  /// Of values, without those that contain others.
  public let columns: [ParquetColumn]
  let file: FileReader
  let metadata: FileMetadata
  /// Where the pages end.
  private let footerStart: Int

  private static let magic = Array("PAR1".utf8)
  private static let encryptedMagic = Array("PARE".utf8)
  /// Length of the footer in four bytes, and the magic.
  private static let trailerBytes = 8

  /// Reads what the file says of itself, and no page.
  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  public init(opening path: FilePath) throws {
    self.path = path
    let file = try FileReader(opening: path)
    self.file = file
    (metadata, footerStart) = try naming(path) {
      let range = try Self.footer(of: file)
      let footer = try file.read(at: range.lowerBound, count: range.count)
      return (
        try footer.withUnsafeBytes { bytes throws(ParquetFault) in try FileMetadata(footer: bytes) },
        range.lowerBound
      )
    }
    columns = try naming(path) { [metadata] in try ParquetColumn.leaves(of: metadata.schema) }
    try naming(path) { try requireColumns() }
  }

  private static func footer(of file: FileReader) throws -> Range<Int> {
    let least = magic.count + trailerBytes
    guard file.length >= least,
      case let trailer = try file.read(at: file.length - trailerBytes, count: trailerBytes),
      trailer.suffix(4) == magic || trailer.suffix(4) == encryptedMagic
    else {
      throw ParquetFault(
        problem: "it is not a Parquet file, or was cut short", hint: "Restore it, or leave it out.")
    }
    guard trailer.suffix(4) == magic else {
      throw ParquetFault.unsupported("it is encrypted", instead: "Write it without encryption.")
    }
    let count = trailer.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard count <= file.length - least else {
      throw ParquetFault.damaged("its metadata is longer than the file")
    }
    guard count <= ParquetLimits.footer else {
      throw ParquetFault.unsupported(
        "its metadata has \(count) bytes, more than \(ParquetLimits.footer >> 20) MiB",
        instead: "Write it with larger row groups or fewer columns.")
    }
    return (file.length - trailerBytes - count)..<(file.length - trailerBytes)
  }

  private func requireColumns() throws(ParquetFault) {
    for group in metadata.rowGroups where group.chunks.count != columns.count {
      throw .damaged("a row group has \(group.chunks.count) columns, and the schema \(columns.count)")
    }
  }

  public var rows: Int { metadata.rows }

  /// The rows of each row group.
  public var rowGroups: [Int] { metadata.rowGroups.map(\.rows) }

  /// The column of that name; `outer.inner` for one inside another.
  public func column(named name: String) -> ParquetColumn? {
    columns.first { $0.path == name }
  }

  /// - Throws: `UserError` of kind `invalidData` where a row may have several values.
  public func reader(of column: ParquetColumn) throws -> ParquetColumnReader {
    guard !column.isRepeated else {
      throw UserError(
        .invalidData, at: path.string, "column \"\(column.path)\" is a list or a map",
        hint: "Name a column that has one value in each row.")
    }
    return ParquetColumnReader(self, column)
  }

  /// How much of the file a column takes in each row group, as it is, and as its pages are after decompressing: what the file
  /// says of itself.
  /// - Throws: `UserError` of kind `invalidData`.
  public func sizes(of column: ParquetColumn) throws -> [(compressed: Int, uncompressed: Int)] {
    try naming(path) {
      var total = 0
      return try metadata.rowGroups.indices.map { group in
        guard metadata.rowGroups[group].rows > 0 else { return (0, 0) }
        let chunk = try chunk(of: column, inRowGroup: group)
        total += chunk.range.count
        guard total <= file.length else { throw ParquetFault.damaged("its columns lie on top of each other") }
        return (chunk.range.count, max(0, chunk.metadata.uncompressedBytes))
      }
    }
  }

  /// - Throws: `ParquetFault`.
  func chunk(
    of column: ParquetColumn, inRowGroup number: Int
  ) throws(ParquetFault) -> (metadata: ChunkMetadata, range: Range<Int>) {
    let group = metadata.rowGroups[number]
    let chunk = group.chunks[column.index]
    guard !chunk.isEncrypted else {
      throw .unsupported("column \"\(column.path)\" is encrypted", instead: "Write it without encryption.")
    }
    guard !chunk.isElsewhere else {
      throw .unsupported(
        "column \"\(column.path)\" is in another file", instead: "Name the files that hold the columns.")
    }
    guard chunk.physicalType == column.physicalType.rawValue, chunk.values == group.rows else {
      throw .damaged("column \"\(column.path)\" is not in row group \(number) what it is in the schema")
    }
    if group.rows == 0 { return (chunk, 0..<0) }
    guard chunk.start >= Self.magic.count, chunk.start < footerStart,
      1...footerStart - chunk.start ~= chunk.compressedBytes
    else { throw .damaged("column \"\(column.path)\" lies outside the file in row group \(number)") }
    return (chunk, chunk.start..<chunk.start + chunk.compressedBytes)
  }
}
