import Foundation
import HATStorage

/// Makes documents of records: finds the text, and sees to it that it is UTF-8.
final class DocumentParser {
  enum Outcome {
    case document(text: [UInt8], metadata: DocumentMetadata, wasRepaired: Bool)
    /// Nothing but white space between documents, or an empty text.
    case empty
    case invalid
  }

  private let settings: PreprocessSettings
  private let field: JSONFieldPath
  private let decoder: JSONDecoder

  /// - Throws: `UserError` of kind `wrongUsage` for an impossible field.
  init(_ settings: PreprocessSettings) throws {
    self.settings = settings
    field = try JSONFieldPath(parsing: settings.field)
    decoder = JSONDocument.decoder(field: field)
  }

  /// - Throws: `UserError` of kind `invalidData` that names file and line.
  func parse(_ record: InputRecord, of input: InputFile) throws -> Outcome {
    guard !record.bytes.isEmpty else { return .empty }
    var repaired: [UInt8]?
    if let byte = TextValidation.firstInvalidByte(in: record.bytes) {
      switch settings.invalidText {
      case .error: throw invalidText(at: byte, of: record, in: input)
      case .replace: repaired = TextValidation.replacingInvalid(record.bytes)
      case .skip: return .invalid
      }
    }
    let outcome =
      try repaired?.withUnsafeBufferPointer { try parseValid($0, record, input, wasRepaired: true) }
      ?? parseValid(record.bytes, record, input, wasRepaired: false)
    if case .document(let text, _, _) = outcome, text.count > ShardFormat.largestDocument {
      throw UserError(
        .invalidData, at: place(of: record, in: input),
        "the document is larger than \(ShardFormat.largestDocument >> 20) MiB",
        hint: "Divide it; --document-separator cuts a .txt file into documents.")
    }
    return outcome
  }

  private func parseValid(
    _ bytes: UnsafeBufferPointer<UInt8>, _ record: InputRecord, _ input: InputFile, wasRepaired: Bool
  ) throws -> Outcome {
    switch input.format {
    case .text:
      return .document(
        text: Array(bytes), metadata: DocumentMetadata(["source": input.name]), wasRepaired: wasRepaired)
    case .jsonLines:
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return .empty }
      let parsed = try parseJSON(bytes, place: place(of: record, in: input))
      guard !parsed.text.isEmpty else { return .empty }
      var metadata = parsed.metadata
      if metadata["source"] == nil { metadata["source"] = input.name }
      return .document(
        text: Array(parsed.text.utf8), metadata: DocumentMetadata(metadata), wasRepaired: wasRepaired)
    }
  }

  private func parseJSON(_ bytes: UnsafeBufferPointer<UInt8>, place: String) throws -> JSONDocument {
    let data = Data(
      bytesNoCopy: UnsafeMutableRawPointer(mutating: bytes.baseAddress!), count: bytes.count,
      deallocator: .none)
    do {
      let document = try decoder.decode(JSONDocument.self, from: data)
      if let long = document.metadata.first(where: { $0.value.utf8.count > DocumentMetadata.longestValue }) {
        throw UserError(
          .invalidData, at: place, "the field \"\(long.key)\" is longer than a shard can keep",
          hint: "Shorten it to \(DocumentMetadata.longestValue) bytes, or rename it.")
      }
      return document
    } catch let error as DecodingError {
      throw jsonError(error, place: place)
    }
  }

  private func jsonError(_ error: DecodingError, place: String) -> UserError {
    switch error {
    case .keyNotFound:
      UserError(
        .invalidData, at: place, "there is no field \"\(field.name)\"",
        hint: "Name the field that holds the text with --field.")
    case .typeMismatch(_, let context) where context.codingPath.isEmpty:
      UserError(
        .invalidData, at: place, "the line is not a JSON object",
        hint: "Each line of a .jsonl file must be an object such as {\"text\": \"…\"}.")
    case .typeMismatch, .valueNotFound:
      UserError(
        .invalidData, at: place, "the field \"\(field.name)\" is not a string",
        hint: "Name the field that holds the text with --field.")
    default:
      UserError(
        .invalidData, at: place, "the line is not valid JSON",
        hint: "Each line of a .jsonl file must be one whole object; repair or remove this one.")
    }
  }

  private func invalidText(at byte: Int, of record: InputRecord, in input: InputFile) -> UserError {
    UserError(
      .invalidData, at: place(of: record, in: input),
      "it is not valid UTF-8 (byte \(record.offset + byte) of the text)",
      hint: "Convert the file, or choose --invalid-utf8 replace or --invalid-utf8 skip.")
  }

  private func place(of record: InputRecord, in input: InputFile) -> String {
    let name = input.isStandardInput ? "standard input" : input.path
    let isWholeFile = input.format == .text && settings.documentSeparator == nil
    return isWholeFile ? name : "\(name):\(record.number)"
  }
}
