/// What the end of a file says about it: `FileMetaData` of parquet.thrift, as far as it is needed to read columns.
struct FileMetadata {
  private(set) var schema: [SchemaElement] = []
  private(set) var rows = 0
  private(set) var rowGroups: [RowGroupMetadata] = []

  /// - Parameter footer: the bytes between the pages and the length of the footer.
  init(footer: UnsafeRawBufferPointer) throws(ParquetFault) {
    var reader = CompactReader(footer)
    var (schema, rows, groups) = ([SchemaElement](), -1, [RowGroupMetadata]())
    try reader.structure { reader, field, kind throws(ParquetFault) in
      switch field {
      case 2:
        try reader.list(kind) { reader, kind throws(ParquetFault) in
          schema.append(try SchemaElement(&reader, kind))
        }
      case 3: rows = try reader.integer(kind)
      case 4:
        try reader.list(kind) { reader, kind throws(ParquetFault) in
          groups.append(try RowGroupMetadata(&reader, kind))
        }
      default: try reader.skip(kind)
      }
    }
    (self.schema, self.rows, rowGroups) = (schema, rows, groups)
    try requireSum()
  }

  private func requireSum() throws(ParquetFault) {
    var sum = 0
    for group in rowGroups {
      let (next, overflows) = sum.addingReportingOverflow(group.rows)
      guard group.rows >= 0, !overflows else {
        throw .damaged("a row group has an impossible number of rows")
      }
      sum = next
    }
    guard sum == rows else { throw .damaged("its row groups have \(sum) rows together, not \(rows)") }
  }
}

/// A node of the tree of columns.
struct SchemaElement {
  private(set) var name = ""
  /// Nil for a node that has others below it.
  private(set) var physicalType: Int?
  /// 0 required, 1 optional, 2 repeated.
  private(set) var repetition = 0
  private(set) var children = 0
  private(set) var convertedType: Int?
  /// The number of the field that is set in the union `LogicalType`.
  private(set) var logicalType: Int?

  init(_ reader: inout CompactReader, _ kind: CompactReader.Kind) throws(ParquetFault) {
    var element = (
      name: "", physicalType: Int?.none, repetition: 0, children: 0, converted: Int?.none, logical: Int?.none
    )
    try reader.structure(kind) { reader, field, kind throws(ParquetFault) in
      switch field {
      case 1: element.physicalType = try reader.integer(kind)
      case 3: element.repetition = try reader.integer(kind)
      case 4: element.name = try reader.text(kind)
      case 5: element.children = try reader.integer(kind)
      case 6: element.converted = try reader.integer(kind)
      case 10:
        try reader.structure(kind) { reader, field, kind throws(ParquetFault) in
          element.logical = field
          try reader.skip(kind)
        }
      default: try reader.skip(kind)
      }
    }
    guard !element.name.isEmpty || element.children > 0 else { throw .damaged("a column has no name") }
    (name, physicalType, repetition) = (element.name, element.physicalType, element.repetition)
    (children, convertedType, logicalType) = (element.children, element.converted, element.logical)
  }
}

struct RowGroupMetadata {
  private(set) var rows = -1
  private(set) var chunks: [ChunkMetadata] = []

  init(_ reader: inout CompactReader, _ kind: CompactReader.Kind) throws(ParquetFault) {
    var (rows, chunks) = (-1, [ChunkMetadata]())
    try reader.structure(kind) { reader, field, kind throws(ParquetFault) in
      switch field {
      case 1:
        try reader.list(kind) { reader, kind throws(ParquetFault) in
          chunks.append(try ChunkMetadata(&reader, kind))
        }
      case 3: rows = try reader.integer(kind)
      default: try reader.skip(kind)
      }
    }
    // So every row group takes some bytes of the footer, and the footer bounds their number.
    guard !chunks.isEmpty else { throw .damaged("a row group has no columns") }
    (self.rows, self.chunks) = (rows, chunks)
  }
}

/// A column of a row group: where its pages are.
struct ChunkMetadata {
  private(set) var physicalType = -1
  private(set) var codec = -1
  private(set) var values = -1
  private(set) var uncompressedBytes = 0
  private(set) var compressedBytes = 0
  private var dataPage = -1
  private var dictionaryPage: Int?
  /// Whether its pages are in another file.
  private(set) var isElsewhere = false
  private(set) var isEncrypted = false

  init(_ reader: inout CompactReader, _ kind: CompactReader.Kind) throws(ParquetFault) {
    var chunk = Self()
    try reader.structure(kind) { reader, field, kind throws(ParquetFault) in
      switch field {
      case 1:
        chunk.isElsewhere = true
        try reader.skip(kind)
      case 3: try chunk.read(&reader, kind)
      case 8, 9:
        chunk.isEncrypted = true
        try reader.skip(kind)
      default: try reader.skip(kind)
      }
    }
    guard chunk.values >= 0 || chunk.isEncrypted else {
      throw .damaged("a column of a row group says nothing of itself")
    }
    self = chunk
  }

  private init() {}

  private mutating func read(_ reader: inout CompactReader, _ kind: CompactReader.Kind) throws(ParquetFault) {
    var chunk = self
    try reader.structure(kind) { reader, field, kind throws(ParquetFault) in
      switch field {
      case 1: chunk.physicalType = try reader.integer(kind)
      case 4: chunk.codec = try reader.integer(kind)
      case 5: chunk.values = try reader.integer(kind)
      case 6: chunk.uncompressedBytes = try reader.integer(kind)
      case 7: chunk.compressedBytes = try reader.integer(kind)
      case 9: chunk.dataPage = try reader.integer(kind)
      case 11: chunk.dictionaryPage = try reader.integer(kind)
      default: try reader.skip(kind)
      }
    }
    self = chunk
  }

  /// Where its pages are in the file. Some writers put 0 for the place of a dictionary that is not there.
  var start: Int {
    if let dictionaryPage, dictionaryPage > 0, dictionaryPage < dataPage { return dictionaryPage }
    return dataPage
  }
}
