import HATStorage

/// What happens to a document that is not valid UTF-8.
public enum InvalidTextPolicy: String, Sendable, Codable, CaseIterable {
  /// The run ends and says where.
  case error
  /// Each maximal ill-formed subsequence becomes U+FFFD (Unicode §3.9, as the W3C asks and Swift does).
  case replace
  /// The document is left out, and counted.
  case skip
}

/// Makes documents of records: finds the text, and sees to it that it is UTF-8.
final class DocumentParser {
  enum Outcome {
    /// The text, and its metadata as shards keep them.
    case document(text: UnsafeBufferPointer<UInt8>, metadata: [UInt8], wasRepaired: Bool)
    /// A dialogue, or a pair of them.
    case dialogue(MarkedText, metadata: [UInt8], wasRepaired: Bool)
    /// Nothing but white space between documents, or an empty text.
    case empty
    /// A row without a text.
    case null
    case invalid
    /// A filter leaves it out.
    case filtered(DocumentFilter.Reason)
    /// A dialogue in which nothing counts.
    case withoutAnswer
    /// A pair of which one dialogue is the other.
    case withoutPreference
  }

  let settings: PreprocessSettings
  let readFields: [String]
  /// Of each field read, whether it is kept.
  private let isKept: [Bool]
  private let filter: DocumentFilter
  private let reader: JSONDocumentReader
  /// Nil for text.
  private let dialogues: DialogueLineParser?

  /// - Throws: `UserError` of kind `wrongUsage` for an impossible field or filter.
  init(_ settings: PreprocessSettings) throws {
    (self.settings, readFields) = (settings, settings.readFields)
    isKept = readFields.map(settings.keptFields.contains)
    filter = try DocumentFilter(settings.filters, fields: readFields)
    reader = JSONDocumentReader(
      path: try JSONDocumentReader.path(toField: settings.jsonField), keeping: readFields,
      withScalars: settings.wantedFields)
    dialogues =
      settings.documents == .text
      ? nil : DialogueLineParser(settings.documents, splitter: settings.splitter)
  }

  /// Calls `body` with what a record is; the text lives no longer.
  /// - Throws: `UserError` of kind `invalidData` that names file and line.
  func parse<Result>(
    _ record: InputRecord, of input: InputFile, _ body: (Outcome) throws -> Result
  ) throws -> Result {
    let record = Self.withoutByteOrderMark(record, input.format)
    switch try read(record.bytes, of: record, input, wasRepaired: false) {
    case .outcome(let outcome): return try body(outcome)
    case .notUTF8(let fault):
      switch settings.invalidText {
      case .error: throw error(fault, of: record, in: input)
      case .skip: return try body(.invalid)
      case .replace:
        return try Self.withRepaired(record.bytes, input.format) { bytes in
          switch try read(bytes, of: record, input, wasRepaired: true) {
          case .outcome(let outcome): try body(outcome)
          case .notUTF8(let fault): throw error(fault, of: record, in: input)
          }
        }
      }
    }
  }

  /// The record without the mark that some programs put in front of JSON. (RFC 8259, section 8.1, allows to ignore it.) Before
  /// a text it is text.
  private static func withoutByteOrderMark(_ record: InputRecord, _ format: InputFile.Format) -> InputRecord {
    let mark = TextValidation.byteOrderMark
    guard format == .jsonLines, record.offset == 0, record.bytes.starts(with: mark) else { return record }
    var rest = record
    rest.bytes = UnsafeBufferPointer(rebasing: record.bytes.dropFirst(mark.count))
    rest.offset = mark.count
    return rest
  }

  private enum Reading {
    case outcome(Outcome)
    case notUTF8(Fault)
  }

  /// Where in a record the text stops being UTF-8.
  enum Fault {
    case byte(Int)
    case loneSurrogate(Int)
    /// In what is kept besides the text.
    case field(String)
  }

  /// - Parameter bytes: those of the record, or what repairing made of them.
  private func read(
    _ bytes: UnsafeBufferPointer<UInt8>, of record: InputRecord, _ input: InputFile, wasRepaired: Bool
  ) throws -> Reading {
    switch input.format {
    case .text:
      if bytes.isEmpty { return .outcome(.empty) }
      if let byte = TextValidation.firstInvalidByte(in: bytes) { return .notUTF8(.byte(byte)) }
      let fields = [UnsafeBufferPointer<UInt8>?](repeating: nil, count: readFields.count)
      return .outcome(try outcome(bytes, fields, of: record, input, wasRepaired: wasRepaired))
    case .jsonLines:
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return .outcome(.empty) }
      if let offset = JSONDocumentReader.loneSurrogate(in: bytes) {
        return .notUTF8(.loneSurrogate(offset))
      }
      let document: JSONDocumentReader.Document
      do throws(JSONDocumentReader.Problem) {
        document =
          try dialogues == nil
          ? reader.read(bytes) : JSONDocumentReader.Document(text: bytes, metadata: reader.scalars(bytes))
      } catch .invalidUTF8 {
        return .notUTF8(.byte(TextValidation.firstInvalidByte(in: bytes)!))
      } catch {
        throw self.error(error, at: place(of: record, in: input))
      }
      if let dialogues {
        return .outcome(
          try outcome(
            of: dialogues.parse(document.text) { place(of: record, in: input) }, document.metadata, record,
            input, wasRepaired: wasRepaired))
      }
      guard !document.text.isEmpty else { return .outcome(.empty) }
      return .outcome(
        try outcome(document.text, document.metadata, of: record, input, wasRepaired: wasRepaired))
    case .parquet: return try readRow(bytes, of: record, input, wasRepaired: wasRepaired)
    }
  }

  private func outcome(
    of line: DialogueLineParser.Outcome, _ fields: [UnsafeBufferPointer<UInt8>?], _ record: InputRecord,
    _ input: InputFile, wasRepaired: Bool
  ) throws -> Outcome {
    switch line {
    case .withoutAnswer: return .withoutAnswer
    case .withoutPreference: return .withoutPreference
    case .document(let dialogue):
      if let reason = try reasonToDrop(textBytes: dialogue.bytes.count, fields, record, input) {
        return .filtered(reason)
      }
      return .dialogue(
        dialogue, metadata: try metadata(fields, record, input), wasRepaired: wasRepaired)
    }
  }

  private func readRow(
    _ bytes: UnsafeBufferPointer<UInt8>, of record: InputRecord, _ input: InputFile, wasRepaired: Bool
  ) throws -> Reading {
    let row = record.row!
    if row.isNull { return .outcome(.null) }
    if bytes.isEmpty { return .outcome(.empty) }
    if let byte = TextValidation.firstInvalidByte(in: bytes) { return .notUTF8(.byte(byte)) }
    if let index = row.fields.firstIndex(where: {
      $0.map { TextValidation.firstInvalidByte(in: $0) != nil } == true
    }) {
      guard wasRepaired else { return .notUTF8(.field(readFields[index])) }
      let repaired = row.fields.map { $0.map(TextValidation.replacingInvalid) }
      return .outcome(
        try Self.withBuffers(repaired) { try outcome(bytes, $0, of: record, input, wasRepaired: true) })
    }
    return .outcome(try outcome(bytes, row.fields, of: record, input, wasRepaired: wasRepaired))
  }

  /// What a valid text is with its metadata, as the filters see it.
  /// - Parameter fields: the value of each of `readFields`.
  private func outcome(
    _ text: UnsafeBufferPointer<UInt8>, _ fields: [UnsafeBufferPointer<UInt8>?], of record: InputRecord,
    _ input: InputFile, wasRepaired: Bool
  ) throws -> Outcome {
    if let reason = try reasonToDrop(textBytes: text.count, fields, record, input) {
      return .filtered(reason)
    }
    return .document(
      text: text, metadata: try metadata(fields, record, input), wasRepaired: wasRepaired)
  }

  /// Why the filters leave a document out; nil for one that is kept, which shards have room for.
  private func reasonToDrop(
    textBytes: Int, _ fields: [UnsafeBufferPointer<UInt8>?], _ record: InputRecord, _ input: InputFile
  ) throws -> DocumentFilter.Reason? {
    if let reason = filter.reasonToDrop(textBytes: textBytes) { return reason }
    do {
      if let reason = try filter.reasonToDrop(fields, source: input.name) { return reason }
    } catch {
      throw UserError(
        .invalidData, at: place(of: record, in: input),
        "its \"\(DocumentFilters.languageScoreField)\" is not a number: \"\(error.value.prefix(40))\"",
        hint: "Repair it, or leave `minimumLanguageScore` out.")
    }
    guard textBytes <= ShardFormat.largestDocument else {
      throw InputRecord.tooLarge(ShardFormat.largestDocument, at: place(of: record, in: input))
    }
    return nil
  }

  private static func withBuffers<Result>(
    _ arrays: [[UInt8]?], _ body: ([UnsafeBufferPointer<UInt8>?]) throws -> Result
  ) rethrows -> Result {
    let copies = arrays.map { array in
      array.map { array in
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: array.count)
        _ = copy.initialize(from: array)
        return copy
      }
    }
    defer { for copy in copies { copy?.deallocate() } }
    return try body(copies.map { $0.map { UnsafeBufferPointer($0) } })
  }

  /// - Parameter fields: the value of each of `readFields`.
  private func metadata(
    _ fields: [UnsafeBufferPointer<UInt8>?], _ record: InputRecord, _ input: InputFile
  ) throws -> [UInt8] {
    var metadata: [UInt8] = []
    for (index, (name, value)) in zip(readFields, fields).enumerated() where isKept[index] {
      if let value {
        guard value.count <= DocumentMetadata.longestValue else {
          throw UserError(
            .invalidData, at: place(of: record, in: input),
            "the field \"\(name)\" is longer than a shard can keep",
            hint: "Shorten it to \(DocumentMetadata.longestValue) bytes, or rename it.")
        }
        DocumentMetadata.append(name: name, value: value, to: &metadata)
      } else if name == "source" {
        metadata += Self.source(input)
      }
    }
    return metadata
  }

  private static func source(_ input: InputFile) -> [UInt8] {
    DocumentMetadata(["source": input.name]).encoded
  }

  /// Calls `body` with valid text, which U+FFFD has made of what was not.
  private static func withRepaired<Result>(
    _ bytes: UnsafeBufferPointer<UInt8>, _ format: InputFile.Format,
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    var repaired = TextValidation.replacingInvalid(bytes)
    let count = repaired.count
    if format == .jsonLines {
      // As long as the escapes that no text can be made of.
      let replacement = Array("\\ufffd".utf8)
      var start = 0
      while let offset = repaired.withUnsafeBufferPointer({
        JSONDocumentReader.loneSurrogate(in: $0, from: start)
      }) {
        start = offset + replacement.count
        repaired.replaceSubrange(offset..<start, with: replacement)
      }
      repaired += [UInt8](repeating: 0, count: JSONDocumentReader.padding)
    }
    return try repaired.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[..<count])) }
  }
}
