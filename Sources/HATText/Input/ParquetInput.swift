import HATParquet
import HATStorage
import SystemPackage

/// A Parquet file as text: which columns are read, and how its pages are divided into units of work.
///
/// A large file is cut into n slices, where its text, as the file states it, has n times `shardBytes`. Of a page with v rows and s
/// compressed bytes, row i belongs to slice ⌊(p + ⌊i · s / v⌋) · n / C⌋, where p is how many compressed bytes of the text's column
/// are before the page, and C how many there are. So which rows a slice has is known from the headers of pages alone.
final class ParquetInput {
  let file: ParquetFile
  let text: ParquetColumn
  /// One for each of the fields read; nil where there is none.
  let kept: [ParquetColumn?]
  /// Of the text's column, before each row group, and in all of them.
  let compressedBytes: [Int]
  let slices: Int
  private let input: InputFile

  /// Text seldom compresses so well: what a file states beyond that is not believed.
  private static let bestRatio = 64

  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  init(_ input: InputFile, _ settings: PreprocessSettings) throws {
    self.input = input
    file = try ParquetFile(opening: FilePath(input.path))
    text = try file.textColumn(settings.field)
    kept = try settings.readFields.map { [file] in
      try file.metadataColumn(
        $0, isKept: settings.keep.contains($0), isWanted: settings.wantedFields.contains($0))
    }
    let sizes = try file.sizes(of: text)
    compressedBytes = sizes.reduce(into: [0]) { $0.append($0.last! + $1.compressed) }
    let textBytes = sizes.reduce(0) { $0 + min($1.uncompressed, $1.compressed * Self.bestRatio) }
    slices =
      file.rows == 0 ? 0 : max(1, (textBytes + settings.shardBytes - 1) / settings.shardBytes)
  }

  /// - Parameter slice: nil for all rows.
  func records(ofSlice slice: Int? = nil) throws -> ParquetRecordReader {
    try ParquetRecordReader(self, slice: slice)
  }

  /// - Parameter byte: of the text's column, compressed.
  func slice(ofByte byte: Int) -> Int {
    compressedBytes.last!.dividingFullWidth(byte.multipliedFullWidth(by: slices)).quotient
  }

  /// The rows of a page that belong to a slice, counted in the page.
  /// - Parameter start: of the page, in compressed bytes of the column.
  func rows(ofSlice slice: Int, inPageAt start: Int, bytes: Int, rows: Int) -> Range<Int> {
    /// The first row that belongs to a slice or one behind it.
    func first(ofSlice slice: Int) -> Int {
      var range = 0..<rows
      while let middle = range.isEmpty ? nil : range.lowerBound + range.count / 2 {
        let byte = start + rows.dividingFullWidth(middle.multipliedFullWidth(by: bytes)).quotient
        range = self.slice(ofByte: byte) < slice ? middle + 1..<range.upperBound : range.lowerBound..<middle
      }
      return range.lowerBound
    }
    return first(ofSlice: slice)..<first(ofSlice: slice + 1)
  }

  /// About where in the file a byte of the text's column is, for showing progress.
  func position(ofByte byte: Int) -> Int {
    compressedBytes.last!.dividingFullWidth(byte.multipliedFullWidth(by: input.bytes)).quotient
  }
}

// MARK: - Choosing columns

extension ParquetFile {
  /// Where text is looked for when nobody says where it is.
  private static let usualNames = ["text", "content"]

  fileprivate func textColumn(_ name: String?) throws -> ParquetColumn {
    let names = name.map { [$0] } ?? Self.usualNames
    guard let found = try names.compactMap(column(onlyNamed:)).first else {
      let sought = names.map { "\"\($0)\"" }.joined(separator: " or ")
      let group = names.first { name in columns.contains { $0.path.hasPrefix(name + ".") } }
      throw error(
        group.map { "the column \"\($0)\" is a structure, a list or a map, not a string" }
          ?? "there is no column \(sought)")
    }
    guard found.isText, !found.isRepeated else {
      throw error("the column \"\(found.path)\" is \(found.typeName), not a string")
    }
    return found
  }

  /// - Parameters:
  ///   - isKept: whether `keep` asks for it; else a filter may.
  ///   - isWanted: whether one of them does, so that it must be there.
  fileprivate func metadataColumn(
    _ name: String, isKept: Bool, isWanted: Bool
  ) throws -> ParquetColumn? {
    let (purpose, names) = isKept ? ("to keep", "`keep`") : ("to filter by", "A filter")
    guard let column = try column(onlyNamed: name) else {
      guard isWanted else { return nil }
      let possible = columns.filter(\.canBeMetadata).map(\.path)
      throw UserError(
        .invalidData, at: path.string, "there is no column \"\(name)\" \(purpose)",
        hint: "\(names) can name \(Self.list(possible)).")
    }
    if isWanted ? column.canBeMetadata : column.isText && !column.isRepeated { return column }
    guard isWanted else { return nil }
    throw UserError(
      .invalidData, at: path.string,
      "the column \"\(name)\" is \(column.typeName), which is nothing \(purpose)",
      hint: "\(names) can name columns of strings, integers, floating-point numbers and truth values.")
  }

  private func column(onlyNamed name: String) throws -> ParquetColumn? {
    let found = columns.filter { $0.path == name }
    guard found.count < 2 else {
      throw UserError(
        .invalidData, at: path.string, "there are \(found.count) columns \"\(name)\"",
        hint: "Write the file with different names.")
    }
    return found.first
  }

  private func error(_ problem: String) -> UserError {
    let names = columns.filter { $0.isText && !$0.isRepeated }.map(\.path)
    return UserError(
      .invalidData, at: path.string, problem,
      hint: names.isEmpty
        ? "It has no column of strings: leave it out."
        : "Name the column that holds the text with `field`: \(Self.list(names)).")
  }

  private static func list(_ names: [String]) -> String {
    let most = 20
    let rest = names.count > most ? " and \(names.count - most) more" : ""
    return names.prefix(most).joined(separator: ", ") + rest
  }
}

extension ParquetColumn {
  /// Whether its values can be written as text.
  fileprivate var canBeMetadata: Bool { !isRepeated && (isText || isNumber || physicalType == .boolean) }
}
