/// What stands before a page: `PageHeader` of parquet.thrift.
struct PageHeader {
  enum Content {
    case dictionary(values: Int, encoding: Int)
    case data(values: Int, encoding: Int, levelEncoding: Int)
    /// Levels are not compressed, and lie before the values.
    case dataV2(values: Int, encoding: Int, definitionBytes: Int, repetitionBytes: Int, isCompressed: Bool)
    /// An index, or what later versions of the format may bring.
    case other
  }

  private(set) var content = Content.other
  private(set) var uncompressedBytes = -1
  private(set) var compressedBytes = -1
  /// CRC-32 of the page as it is in the file, where the writer left one.
  private(set) var checksum: UInt32?

  init(_ reader: inout CompactReader) throws(ParquetFault) {
    var header = Self()
    var (type, details) = (-1, Details())
    try reader.structure { reader, field, kind throws(ParquetFault) in
      switch field {
      case 1: type = try reader.integer(kind)
      case 2: header.uncompressedBytes = try reader.integer(kind)
      case 3: header.compressedBytes = try reader.integer(kind)
      case 4: header.checksum = UInt32(truncatingIfNeeded: try reader.integer(kind))
      case 5, 7, 8:
        details = Details()
        try details.read(&reader, kind, isV2: field == 8)
        details.field = field
      default: try reader.skip(kind)
      }
    }
    guard 0...ParquetLimits.page ~= header.uncompressedBytes, 0...ParquetLimits.page ~= header.compressedBytes
    else { throw Self.tooLarge(max(header.uncompressedBytes, header.compressedBytes)) }
    header.content = try Self.content(type, details)
    self = header
  }

  private init() {}

  private static func tooLarge(_ bytes: Int) -> ParquetFault {
    guard 0...Int(Int32.max) ~= bytes else { return .damaged("a page has an impossible size") }
    return .unsupported(
      "a page has \(bytes) bytes, more than \(ParquetLimits.page >> 20) MiB",
      instead: "Write the file with smaller pages or row groups.")
  }

  private static func content(_ type: Int, _ details: Details) throws(ParquetFault) -> Content {
    switch type {
    case 0:
      try details.require(5)
      return .data(
        values: details.values, encoding: details.encoding, levelEncoding: details.levelEncoding)
    case 2:
      try details.require(7)
      return .dictionary(values: details.values, encoding: details.encoding)
    case 3:
      try details.require(8)
      return .dataV2(
        values: details.values, encoding: details.encoding, definitionBytes: details.definitionBytes,
        repetitionBytes: details.repetitionBytes, isCompressed: details.isCompressed)
    default: return .other
    }
  }

  /// The header of one kind of page or another.
  private struct Details {
    var field = 0
    var (values, encoding, levelEncoding) = (-1, -1, -1)
    var (definitionBytes, repetitionBytes) = (0, 0)
    var isCompressed = true

    mutating func read(
      _ reader: inout CompactReader, _ kind: CompactReader.Kind, isV2: Bool
    ) throws(ParquetFault) {
      var details = self
      try reader.structure(kind) { reader, field, kind throws(ParquetFault) in
        switch (field, isV2) {
        case (1, _): details.values = try reader.integer(kind)
        case (2, false), (4, true): details.encoding = try reader.integer(kind)
        // Of a dictionary it says whether that is sorted.
        case (3, false) where kind != .isTrue && kind != .isFalse:
          details.levelEncoding = try reader.integer(kind)
        case (5, true): details.definitionBytes = try reader.integer(kind)
        case (6, true): details.repetitionBytes = try reader.integer(kind)
        case (7, true): details.isCompressed = try reader.boolean(kind)
        default: try reader.skip(kind)
        }
      }
      self = details
    }

    func require(_ expected: Int) throws(ParquetFault) {
      guard field == expected, 0...Int(Int32.max) ~= values else {
        throw .damaged("the header of a page does not say what is in the page")
      }
    }
  }
}
