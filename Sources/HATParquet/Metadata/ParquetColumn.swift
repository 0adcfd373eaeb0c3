/// A column of values, not of other columns.
public struct ParquetColumn: Sendable {
  /// How values are stored, by their numbers in parquet.thrift.
  public enum PhysicalType: Int, Sendable {
    case boolean, int32, int64, int96, float, double, byteArray, fixedLengthByteArray
  }

  /// Names from the outermost, joined by dots.
  public let path: String
  public let physicalType: PhysicalType
  /// Whether it is marked as text, or as bytes of no particular kind, which some writers use for text.
  public let isText: Bool
  /// Whether it is an integer or a floating-point number, and no date, time or decimal fraction.
  public let isNumber: Bool
  public let isUnsigned: Bool
  /// Whether it, or what it is in, is a list or a map, so that a row may have several values.
  public let isRepeated: Bool
  /// Its position among the columns of a row group.
  let index: Int
  /// The definition level of a value that is there; lower levels are nulls.
  let presentLevel: Int

  /// For messages, such as "int64".
  public var typeName: String {
    if isRepeated { return "a list or map" }
    return switch physicalType {
    case .boolean: "boolean"
    case .int32: isNumber ? "int32" : "a date, time or decimal"
    case .int64: isNumber ? "int64" : "a time or decimal"
    case .int96: "int96"
    case .float: "float"
    case .double: "double"
    case .byteArray: isText ? "string" : "binary of another kind"
    case .fixedLengthByteArray: "bytes of a fixed length"
    }
  }
}

extension ParquetColumn {
  /// The columns of a file, in the order in which row groups have them.
  /// - Parameter schema: the tree of columns, depth first; the first node is its root.
  static func leaves(of schema: [SchemaElement]) throws(ParquetFault) -> [ParquetColumn] {
    guard let root = schema.first, root.physicalType == nil else { throw .damaged("it has no schema") }
    var builder = Builder(schema: schema[1...])
    try builder.add(children: root.children, of: Parent())
    guard builder.schema.isEmpty else { throw badTree }
    return builder.columns
  }

  private static var badTree: ParquetFault { .damaged("its schema is not a tree") }

  private struct Parent {
    var path = ""
    var presentLevel = 0
    var isRepeated = false
    var depth = 0
  }

  private struct Builder {
    var schema: ArraySlice<SchemaElement>
    var columns: [ParquetColumn] = []
    /// Of all paths, also of those to other columns: names that many columns share may be long.
    var pathBytes = 0

    mutating func add(children: Int, of parent: Parent) throws(ParquetFault) {
      guard 0...schema.count ~= children, parent.depth < ParquetLimits.schemaDepth else { throw badTree }
      for _ in 0..<children {
        guard let element = schema.popFirst() else { throw badTree }
        // Before the path is made: that takes time too.
        pathBytes += parent.path.utf8.count + element.name.utf8.count + 1
        guard pathBytes <= ParquetLimits.footer else {
          throw .damaged("its columns have impossibly long names")
        }
        let node = Parent(
          path: parent.path.isEmpty ? element.name : "\(parent.path).\(element.name)",
          presentLevel: parent.presentLevel + (element.repetition == 0 ? 0 : 1),
          isRepeated: parent.isRepeated || element.repetition == 2, depth: parent.depth + 1)
        if let number = element.physicalType {
          guard let type = PhysicalType(rawValue: number) else {
            throw .damaged("column \"\(node.path)\" is of unknown type \(number)")
          }
          columns.append(
            ParquetColumn(
              path: node.path, physicalType: type, isText: element.isText, isNumber: element.isNumber,
              isUnsigned: element.isUnsigned, isRepeated: node.isRepeated, index: columns.count,
              presentLevel: node.presentLevel))
        } else {
          try add(children: element.children, of: node)
        }
      }
    }
  }
}

extension SchemaElement {
  /// UTF8, ENUM and JSON, in the old way of saying it (`ConvertedType`) and in the new one (`LogicalType`); or nothing said.
  fileprivate var isText: Bool {
    guard physicalType == ParquetColumn.PhysicalType.byteArray.rawValue else { return false }
    if let logicalType { return [1, 4, 12].contains(logicalType) }
    return convertedType.map { [0, 4, 19].contains($0) } ?? true
  }
}

extension SchemaElement {
  /// UINT_8 to INT_64 (`ConvertedType`), or nothing said. Who says INTEGER (`LogicalType`) says one of these too.
  fileprivate var isNumber: Bool {
    switch physicalType.flatMap(ParquetColumn.PhysicalType.init(rawValue:)) {
    case .int32, .int64: convertedType.map { 11...18 ~= $0 } ?? (logicalType == nil)
    case .float, .double: true
    default: false
    }
  }

  /// UINT_8 to UINT_64.
  fileprivate var isUnsigned: Bool { convertedType.map { 11...14 ~= $0 } ?? false }
}
