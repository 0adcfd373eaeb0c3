import HATParquet

/// Gives the rows of a Parquet file, or those of a slice of it, as records.
final class ParquetRecordReader: RecordSource {
  private let input: ParquetInput
  private let slice: Int?
  private let text: ParquetColumnReader
  /// One for each field read.
  private let kept: [MetadataColumn?]
  /// Of each row group, the rows before it.
  private let firstRows: [Int]
  /// Under way, or next where `isInGroup` is false.
  private var group = 0
  private var isInGroup = false
  /// Of the page under way, the rows not handed out, counted in the row group.
  private var rows = 0..<0

  init(_ input: ParquetInput, slice: Int?) throws {
    (self.input, self.slice) = (input, slice)
    text = try input.file.reader(of: input.text)
    kept = try input.kept.map { column in try column.map { MetadataColumn(try input.file.reader(of: $0)) } }
    firstRows = input.file.rowGroups.reduce(into: [0]) { $0.append($0.last! + $1) }
  }

  private(set) var bytesConsumed = 0

  func next() throws -> InputRecord? {
    while rows.isEmpty {
      guard try nextPage() else { return nil }
    }
    let row = rows.lowerBound
    rows = rows.dropFirst()
    let value = try text.value(ofRow: row)
    let fields = try kept.map { try $0?.text(ofRow: row, inGroup: group) }
    return InputRecord(
      bytes: value ?? UnsafeBufferPointer(start: nil, count: 0), offset: 0,
      number: firstRows[group] + row + 1,
      row: InputRecord.Row(isNull: value == nil, fields: fields))
  }

  /// Goes to the next page, which may have no row of the slice.
  /// - Returns: false where no page behind can have one either.
  private func nextPage() throws -> Bool {
    if !isInGroup {
      while group + 1 < firstRows.count, isBeforeSlice(group) { group += 1 }
      guard group + 1 < firstRows.count else { return false }
      try text.enter(rowGroup: group)
      isInGroup = true
    }
    guard try text.nextPage() else {
      (group, isInGroup) = (group + 1, false)
      return true
    }
    let byte = input.compressedBytes[group] + text.pageStart
    bytesConsumed = input.position(ofByte: byte)
    rows = text.pageRows
    if let slice {
      guard input.slice(ofByte: byte) <= slice else { return false }
      let part = input.rows(ofSlice: slice, inPageAt: byte, bytes: text.pageBytes, rows: rows.count)
      rows = rows.lowerBound + part.lowerBound..<rows.lowerBound + part.upperBound
    }
    return true
  }

  /// Whether no page of a row group can belong to the slice or a later one.
  private func isBeforeSlice(_ group: Int) -> Bool {
    let (start, end) = (input.compressedBytes[group], input.compressedBytes[group + 1])
    guard start < end else { return true }
    return slice.map { input.slice(ofByte: end - 1) < $0 } ?? false
  }
}

/// A column kept as metadata: its values as text.
private final class MetadataColumn {
  private let reader: ParquetColumnReader
  private var group = -1
  /// A number in digits.
  private var digits = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64)

  init(_ reader: ParquetColumnReader) {
    self.reader = reader
  }

  deinit { digits.deallocate() }

  /// Valid until the next one; nil where there is no value.
  func text(ofRow row: Int, inGroup group: Int) throws -> UnsafeBufferPointer<UInt8>? {
    if group != self.group {
      try reader.enter(rowGroup: group)
      self.group = group
    }
    guard let value = try reader.value(ofRow: row) else { return nil }
    guard let number = Self.number(UnsafeRawBufferPointer(value), reader.column) else { return value }
    let end = digits.update(fromContentsOf: number.utf8)
    return UnsafeBufferPointer(rebasing: digits[..<end])
  }

  /// - Returns: nil for text.
  private static func number(_ value: UnsafeRawBufferPointer, _ column: ParquetColumn) -> String? {
    switch column.physicalType {
    case .boolean: value[0] == 0 ? "false" : "true"
    case .int32 where column.isUnsigned: "\(UInt32(littleEndian: value.loadUnaligned(as: UInt32.self)))"
    case .int64 where column.isUnsigned: "\(UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)))"
    case .int32: "\(Int32(littleEndian: value.loadUnaligned(as: Int32.self)))"
    case .int64: "\(Int64(littleEndian: value.loadUnaligned(as: Int64.self)))"
    case .float: "\(Float(bitPattern: UInt32(littleEndian: value.loadUnaligned(as: UInt32.self))))"
    case .double: "\(Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))))"
    case .byteArray, .int96, .fixedLengthByteArray: nil
    }
  }
}
