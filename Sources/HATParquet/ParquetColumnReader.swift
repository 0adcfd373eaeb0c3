import HATStorage

/// Reads a column, row group by row group and page by page, and no more of it than is asked for.
///
/// Memory: a page, compressed and not, and a dictionary.
public final class ParquetColumnReader {
  public let column: ParquetColumn
  private let file: ParquetFile
  private var codec: PageCodec?
  private let chunkBuffer = PageBuffer()
  private let pageBuffer = PageBuffer()
  private let scratch = PageBuffer()
  private let dictionaryBuffer = PageBuffer()

  // Of the row group under way:
  private var chunk: ChunkBytes?
  private var rows = 0
  private var dictionary: ValueDictionary?

  // Of the page under way:
  private var header: PageHeader?
  private var isLoaded = false
  /// Of its rows, how many have been read.
  private var readRows = 0
  private var levels: HybridDecoder?
  private var values = ValueDecoder.none

  /// The rows of the page, counted in its row group.
  public private(set) var pageRows = 0..<0
  /// Where the page begins, in compressed bytes of the column in its row group.
  public private(set) var pageStart = 0
  /// How many compressed bytes the page has, without its header.
  public var pageBytes: Int { header?.compressedBytes ?? 0 }

  init(_ file: ParquetFile, _ column: ParquetColumn) {
    (self.file, self.column) = (file, column)
  }

  /// Goes to a row group, before its first page.
  /// - Throws: `UserError` of kind `invalidData`.
  public func enter(rowGroup: Int) throws {
    try naming(file.path) {
      let group = file.metadata.rowGroups[rowGroup]
      let chunk = try file.chunk(of: column, inRowGroup: rowGroup)
      codec = try PageCodec(chunk.metadata.codec)
      self.chunk = ChunkBytes(file.file, chunk.range, buffer: chunkBuffer)
      (rows, dictionary, header) = (group.rows, nil, nil)
      (pageRows, pageStart, isLoaded) = (0..<0, 0, false)
    }
  }

  /// Goes to the next page of the row group, and reads no more than its header.
  /// - Returns: false after the last.
  /// - Throws: `UserError` of kind `invalidData`.
  public func nextPage() throws -> Bool {
    try naming(file.path) {
      (header, isLoaded, values, levels) = (nil, false, .none, nil)
      while pageRows.upperBound < rows {
        pageStart = chunk!.consumed
        guard let header = try chunk!.nextHeader() else {
          throw ParquetFault.damaged(
            "column \"\(column.path)\" ends after \(pageRows.upperBound) of \(rows) rows in a row group")
        }
        switch header.content {
        case .dictionary(let values, let encoding): try readDictionary(header, values, encoding)
        case .other: continue
        case .data(let values, _, _), .dataV2(let values, _, _, _, _):
          guard values <= rows - pageRows.upperBound else {
            throw ParquetFault.damaged("column \"\(column.path)\" has more values than a row group has rows")
          }
          pageRows = pageRows.upperBound..<pageRows.upperBound + values
          readRows = 0
          self.header = header
          return true
        }
      }
      pageRows = rows..<rows
      return false
    }
  }

  /// The value of the next row of the page: nil where it is null. Valid until the next value is read.
  /// - Throws: `UserError` of kind `invalidData`.
  public func nextValue() throws -> UnsafeBufferPointer<UInt8>? {
    precondition(header != nil && readRows < pageRows.count, "there is a row left in the page")
    do {
      if !isLoaded { try loadPage() }
      readRows += 1
      if levels != nil {
        let level = try levels!.next()
        guard level <= column.presentLevel else {
          throw ParquetFault.damaged("a page has an impossible level")
        }
        if level < column.presentLevel { return nil }
      }
      return try values.next().assumingMemoryBound(to: UInt8.self)
    } catch let fault as ParquetFault {
      throw fault.error(at: file.path)
    }
  }

  /// The value of a row, counted in the row group, that is not before the one read last.
  /// - Throws: `UserError` of kind `invalidData`.
  public func value(ofRow row: Int) throws -> UnsafeBufferPointer<UInt8>? {
    while row >= pageRows.upperBound {
      guard try nextPage() else { preconditionFailure("the row group has the row") }
    }
    while pageRows.lowerBound + readRows < row { _ = try nextValue() }
    return try nextValue()
  }
}

// MARK: - Pages

extension ParquetColumnReader {
  private func readDictionary(_ header: PageHeader, _ values: Int, _ encoding: Int) throws {
    guard dictionary == nil else {
      throw ParquetFault.damaged("a column has two dictionaries in a row group")
    }
    guard encoding == 0 || encoding == 2 else {
      throw ParquetFault.unsupported(
        "a dictionary is in encoding number \(encoding), which is not read", instead: "Write it as PLAIN.")
    }
    guard header.uncompressedBytes <= ParquetLimits.dictionary else {
      throw ParquetFault.unsupported(
        "a dictionary has \(header.uncompressedBytes) bytes, more than \(ParquetLimits.dictionary >> 20) MiB",
        instead: "Write the file with smaller dictionaries, or none.")
    }
    let page = try chunk!.page()
    var content = try codec!.content(of: page, count: header.uncompressedBytes, in: dictionaryBuffer)
    if content.baseAddress != UnsafeRawPointer(dictionaryBuffer.base) {
      // It would be gone with the next page.
      dictionaryBuffer.makeRoom(content.count)
      UnsafeMutableRawBufferPointer(start: dictionaryBuffer.base, count: content.count).copyMemory(
        from: content)
      content = UnsafeRawBufferPointer(start: dictionaryBuffer.base, count: content.count)
    }
    dictionary = try ValueDictionary(column, values: values, content, in: dictionaryBuffer)
  }

  private func loadPage() throws {
    let page = try chunk!.page()
    switch header!.content {
    case .data(_, let encoding, let levelEncoding):
      let content = try codec!.content(of: page, count: header!.uncompressedBytes, in: pageBuffer)
      try read(content, encoding: encoding, levelEncoding: levelEncoding)
    case .dataV2(_, let encoding, let definitionBytes, let repetitionBytes, let isCompressed):
      guard definitionBytes >= 0, repetitionBytes >= 0, definitionBytes <= page.count - repetitionBytes,
        definitionBytes <= header!.uncompressedBytes - repetitionBytes
      else { throw ParquetFault.damaged("the levels of a page reach beyond it") }
      let levelBytes = definitionBytes + repetitionBytes
      if column.presentLevel > 0 {
        try beginLevels(UnsafeRawBufferPointer(rebasing: page[repetitionBytes..<levelBytes]))
      }
      let rest = UnsafeRawBufferPointer(rebasing: page[levelBytes...])
      let content =
        isCompressed
        ? try codec!.content(of: rest, count: header!.uncompressedBytes - levelBytes, in: pageBuffer) : rest
      try begin(content, encoding: encoding)
    case .dictionary, .other: preconditionFailure("pages of data are loaded")
    }
    isLoaded = true
  }

  /// Levels and values of a page of version 1.
  private func read(_ content: UnsafeRawBufferPointer, encoding: Int, levelEncoding: Int) throws {
    var cursor = ByteCursor(content)
    if column.presentLevel > 0 {
      guard levelEncoding == 3 else {
        throw ParquetFault.unsupported(
          "the nulls of column \"\(column.path)\" are in encoding number \(levelEncoding), which is not read",
          instead: "Write the file with a library of the last ten years: they use RLE.")
      }
      let count = try cursor.length()
      try beginLevels(try cursor.take(count))
    }
    try begin(cursor.rest, encoding: encoding)
  }

  private func beginLevels(_ bytes: UnsafeRawBufferPointer) throws {
    let width = Int.bitWidth - column.presentLevel.leadingZeroBitCount
    levels = try HybridDecoder(bytes, width: width)
  }

  private func begin(_ content: UnsafeRawBufferPointer, encoding: Int) throws {
    // A page of nulls alone may have no values at all, not even how they are encoded.
    guard !content.isEmpty else { return }
    values = try ValueDecoder(
      column, encoding: encoding, content, dictionary: dictionary, scratch: scratch)
  }
}
