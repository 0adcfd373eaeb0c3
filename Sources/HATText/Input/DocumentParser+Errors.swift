import HATStorage

extension DocumentParser {
  func error(_ problem: JSONDocumentReader.Problem, at place: String) -> UserError {
    let field = settings.jsonField
    let (sentence, hint) =
      switch problem {
      case .noField: ("there is no field \"\(field)\"", "Name the field that holds the text with `field`.")
      case .notAString:
        ("the field \"\(field)\" is not a string", "Name the field that holds the text with `field`.")
      case .repeatedField:
        (
          "a field occurs twice (\"\(field)\", or one of \(readFields.joined(separator: ", ")))",
          "Only one of them can be meant: remove the other."
        )
      case .notAnObject:
        (
          "the line is not a JSON object",
          "Each line of a .jsonl file must be an object such as {\"\(field)\": …}."
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

  func error(_ fault: Fault, of record: InputRecord, in input: InputFile) -> UserError {
    let place = place(of: record, in: input)
    switch fault {
    case .byte(let byte):
      return UserError(
        .invalidData, at: place, "it is not valid UTF-8 (byte \(record.offset + byte) of the text)",
        hint: "Convert the file, or choose replace or skip for `invalidText`.")
    case .loneSurrogate(let start):
      let escape = String(decoding: record.bytes[start..<min(start + 6, record.bytes.count)], as: UTF8.self)
      return UserError(
        .invalidData, at: place,
        "\(escape) is half of a surrogate pair without the other half, which UTF-8 cannot encode",
        hint: "Repair the line, or choose replace or skip for `invalidText`.")
    case .field(let name):
      return UserError(
        .invalidData, at: place, "its \"\(name)\" is not valid UTF-8",
        hint: "Convert the file, or choose replace or skip for `invalidText`.")
    }
  }

  func place(of record: InputRecord, in input: InputFile) -> String {
    if input.format == .parquet { return "\(input.place), row \(record.number!)" }
    guard let delimiter = settings.delimiter(of: input.format) else { return input.place }
    // A reader that began in the middle of a file has not counted: it is counted now that it matters.
    guard let number = record.number ?? (try? input.number(ofRecordAt: record.offset, delimiter: delimiter))
    else { return "\(input.place), byte \(record.offset)" }
    return "\(input.place):\(number)"
  }
}

extension InputFile {
  /// The number of the record that starts at `offset`, counted from 1.
  fileprivate func number(ofRecordAt offset: Int, delimiter: [UInt8]) throws -> Int? {
    let reader = try records(separatedBy: delimiter)
    while let record = try reader.next() {
      if record.offset >= offset { return record.number }
    }
    return nil
  }
}
