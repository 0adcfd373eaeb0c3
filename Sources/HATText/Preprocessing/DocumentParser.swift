import HATStorage

/// Makes documents of records: finds the text, and sees to it that it is UTF-8.
final class DocumentParser {
  enum Outcome {
    /// The text, and its metadata as shards keep them.
    case document(text: UnsafeBufferPointer<UInt8>, metadata: [UInt8], wasRepaired: Bool)
    /// Nothing but white space between documents, or an empty text.
    case empty
    case invalid
  }

  private let settings: PreprocessSettings
  private let field: JSONFieldPath
  private let reader: JSONDocumentReader

  /// - Throws: `UserError` of kind `wrongUsage` for an impossible field.
  init(_ settings: PreprocessSettings) throws {
    self.settings = settings
    field = try JSONFieldPath(parsing: settings.field)
    reader = JSONDocumentReader(field: field)
  }

  /// Calls `body` with what a record is; the text lives no longer.
  /// - Throws: `UserError` of kind `invalidData` that names file and line.
  func parse<Result>(
    _ record: InputRecord, of input: InputFile, _ body: (Outcome) throws -> Result
  ) throws -> Result {
    switch input.format {
    case .text: try parseText(record, input, body)
    case .jsonLines: try parseLine(record, input, body)
    }
  }

  // MARK: Text

  private func parseText<Result>(
    _ record: InputRecord, _ input: InputFile, _ body: (Outcome) throws -> Result
  ) throws -> Result {
    guard !record.bytes.isEmpty else { return try body(.empty) }
    guard let byte = TextValidation.firstInvalidByte(in: record.bytes) else {
      return try body(textDocument(record.bytes, record, input, wasRepaired: false))
    }
    switch settings.invalidText {
    case .error: throw invalidText(at: byte, of: record, in: input)
    case .skip: return try body(.invalid)
    case .replace:
      return try TextValidation.replacingInvalid(record.bytes).withUnsafeBufferPointer {
        try body(textDocument($0, record, input, wasRepaired: true))
      }
    }
  }

  private func textDocument(
    _ text: UnsafeBufferPointer<UInt8>, _ record: InputRecord, _ input: InputFile, wasRepaired: Bool
  ) throws -> Outcome {
    try requireStorable(text, record, input)
    return .document(text: text, metadata: Self.source(input), wasRepaired: wasRepaired)
  }

  private static func source(_ input: InputFile) -> [UInt8] {
    DocumentMetadata(["source": input.name]).encoded
  }

  // MARK: JSON

  private func parseLine<Result>(
    _ record: InputRecord, _ input: InputFile, _ body: (Outcome) throws -> Result
  ) throws -> Result {
    if record.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return try body(.empty) }
    if let offset = JSONDocumentReader.loneSurrogate(in: record.bytes) {
      return try parseInvalidLine(record, input, body) { loneSurrogate(at: offset, of: record, in: input) }
    }
    do {
      return try body(document(reader.read(record.bytes), record, input, wasRepaired: false))
    } catch JSONDocumentReader.Problem.invalidUTF8 {
      return try parseInvalidLine(record, input, body) {
        invalidText(at: TextValidation.firstInvalidByte(in: record.bytes)!, of: record, in: input)
      }
    } catch let problem as JSONDocumentReader.Problem {
      throw jsonError(problem, place: place(of: record, in: input))
    }
  }

  private func parseInvalidLine<Result>(
    _ record: InputRecord, _ input: InputFile, _ body: (Outcome) throws -> Result, error: () -> UserError
  ) throws -> Result {
    switch settings.invalidText {
    case .error: throw error()
    case .skip: return try body(.invalid)
    case .replace:
      var line = Self.replacingLoneSurrogates(TextValidation.replacingInvalid(record.bytes))
      let count = line.count
      line += [UInt8](repeating: 0, count: JSONDocumentReader.padding)
      return try line.withUnsafeBufferPointer {
        do {
          let parsed = try reader.read(UnsafeBufferPointer(rebasing: $0[..<count]))
          return try body(document(parsed, record, input, wasRepaired: true))
        } catch let problem as JSONDocumentReader.Problem {
          throw jsonError(problem, place: place(of: record, in: input))
        }
      }
    }
  }

  /// Writes `\ufffd`, which is as long, over escapes that no text can be made of.
  private static func replacingLoneSurrogates(_ line: [UInt8]) -> [UInt8] {
    var line = line
    let escape = Array("\\ufffd".utf8)
    var start = 0
    while let offset = line.withUnsafeBufferPointer({ JSONDocumentReader.loneSurrogate(in: $0, from: start) })
    {
      start = offset + escape.count
      line.replaceSubrange(offset..<start, with: escape)
    }
    return line
  }

  private func document(
    _ parsed: JSONDocumentReader.Document, _ record: InputRecord, _ input: InputFile, wasRepaired: Bool
  ) throws -> Outcome {
    guard !parsed.text.isEmpty else { return .empty }
    try requireStorable(parsed.text, record, input)
    var metadata: [UInt8] = []
    for (name, value) in zip(DocumentMetadata.keptFields, parsed.metadata) {
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
    return .document(text: parsed.text, metadata: metadata, wasRepaired: wasRepaired)
  }
}

// MARK: - Errors

extension DocumentParser {
  private func requireStorable(
    _ text: UnsafeBufferPointer<UInt8>, _ record: InputRecord, _ input: InputFile
  ) throws {
    guard text.count <= ShardFormat.largestDocument else {
      throw UserError(
        .invalidData, at: place(of: record, in: input),
        "the document is larger than \(ShardFormat.largestDocument >> 20) MiB",
        hint: "Divide it; --document-separator cuts a .txt file into documents.")
    }
  }

  private func jsonError(_ problem: JSONDocumentReader.Problem, place: String) -> UserError {
    let fieldHint = "Name the field that holds the text with --field."
    let (sentence, hint) =
      switch problem {
      case .noField: ("there is no field \"\(field.name)\"", fieldHint)
      case .notAString: ("the field \"\(field.name)\" is not a string", fieldHint)
      case .repeatedField:
        (
          "a field occurs twice (\"\(field.name)\", or one of \(DocumentMetadata.keptFields.joined(separator: ", ")))",
          "Only one of them can be meant: remove the other."
        )
      case .notAnObject:
        (
          "the line is not a JSON object",
          "Each line of a .jsonl file must be an object such as {\"text\": \"…\"}."
        )
      case .tooDeep:
        ("the line nests objects and lists more than 512 deep", "Remove the line, or what is nested so deep.")
      case .notJSON, .invalidUTF8:
        (
          "the line is not valid JSON",
          "Each line of a .jsonl file must be one whole object; repair or remove this one."
        )
      }
    return UserError(.invalidData, at: place, sentence, hint: hint)
  }

  private func invalidText(at byte: Int, of record: InputRecord, in input: InputFile) -> UserError {
    UserError(
      .invalidData, at: place(of: record, in: input),
      "it is not valid UTF-8 (byte \(record.offset + byte) of the text)",
      hint: "Convert the file, or choose --invalid-utf8 replace or --invalid-utf8 skip.")
  }

  private func loneSurrogate(at byte: Int, of record: InputRecord, in input: InputFile) -> UserError {
    let escape = String(decoding: record.bytes[byte..<min(byte + 6, record.bytes.count)], as: UTF8.self)
    return UserError(
      .invalidData, at: place(of: record, in: input),
      "\(escape) is half of a surrogate pair without the other half, which no UTF-8 can hold",
      hint: "Repair the line, or choose --invalid-utf8 replace or --invalid-utf8 skip.")
  }

  private func place(of record: InputRecord, in input: InputFile) -> String {
    let name = input.isStandardInput ? "standard input" : input.path
    guard let delimiter = settings.delimiter(of: input.format) else { return name }
    // A reader that began in the middle of a file has not counted: it is counted now that it matters.
    guard let number = record.number ?? (try? input.number(ofRecordAt: record.offset, delimiter: delimiter))
    else { return "\(name), byte \(record.offset)" }
    return "\(name):\(number)"
  }
}

extension InputFile {
  /// The number of the record that starts at `offset`, counted from 1.
  fileprivate func number(ofRecordAt offset: Int, delimiter: [UInt8]) throws -> Int? {
    let reader = RecordReader(try open(), place: path, delimiter: delimiter)
    while let record = try reader.next() {
      if record.offset >= offset { return record.number }
    }
    return nil
  }
}
