import Glibc
import HATStorage

/// One document as it lies in the input, before anything is made of it: a line, a stretch of text, or a row.
struct InputRecord {
  /// What a row has besides its text.
  struct Row {
    /// Whether there is no text, not even an empty one.
    var isNull: Bool
    /// One for each of `PreprocessSettings.readFields`; nil where there is no value. Valid as long as the text is.
    var fields: [UnsafeBufferPointer<UInt8>?]
  }

  /// Valid until the reader is asked for its next record. Those of a line are followed by `JSONDocumentReader.padding` bytes
  /// that may be read.
  var bytes: UnsafeBufferPointer<UInt8>
  /// Where it starts in the decompressed input; 0 for a row.
  var offset: Int
  /// Counted from 1, where that is known; a reader of lines that began in the middle has not counted.
  var number: Int?
  /// Nil where the record is no row: then the bytes are all there is.
  var row: Row?

  /// Of an empty file.
  static var empty: InputRecord {
    InputRecord(bytes: UnsafeBufferPointer(start: nil, count: 0), offset: 0, number: 1)
  }

  static func tooLarge(_ limit: Int, at place: String) -> UserError {
    UserError(
      .invalidData, at: place, "the document is larger than \(limit >> 20) MiB",
      hint: "Divide it; `documentSeparator` cuts a .txt file into documents.")
  }
}

/// Gives the records of an input, one after the other.
protocol RecordSource: AnyObject {
  /// Nil after the last.
  func next() throws -> InputRecord?
  /// Bytes of the file that have been taken, about; for showing progress.
  var bytesConsumed: Int { get }
}

/// Cuts a stream of bytes into records at a delimiter, holding no more than a record and a block.
final class RecordReader: RecordSource {
  static let blockBytes = 1 << 20
  /// A record that is longer has lost its delimiter, or is no document.
  static let largestRecord = 1 << 29

  private let source: any ByteSource
  private let place: String
  /// Nil when the whole stream is one record.
  private let delimiter: [UInt8]?
  private var buffer: UnsafeMutableBufferPointer<UInt8>
  /// What has been read and not yet handed out.
  private var pending = 0..<0
  /// The part of `pending` in which no delimiter starts.
  private var searched = 0
  private var isAtEnd = false
  private var offset: Int
  private var number: Int?

  /// - Parameters:
  ///   - place: the file, for errors.
  ///   - offset: where `source` begins in the input.
  init(_ source: any ByteSource, place: String, delimiter: [UInt8]?, startingAt offset: Int = 0) {
    precondition(delimiter?.isEmpty != true)
    self.source = source
    self.place = place
    self.delimiter = delimiter
    self.offset = offset
    number = offset == 0 ? 0 : nil
    buffer = Self.allocate(Self.blockBytes)
  }

  /// Room for `capacity` bytes, and the padding behind them.
  private static func allocate(_ capacity: Int) -> UnsafeMutableBufferPointer<UInt8> {
    let byteCount = capacity + JSONDocumentReader.padding
    let memory = LargeMemory.allocate(byteCount: byteCount, alignment: 16)
    let base = memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return UnsafeMutableBufferPointer(start: base, count: capacity)
  }

  deinit {
    free(buffer.baseAddress)
  }

  /// Bytes taken from the disk so far.
  var bytesConsumed: Int { source.bytesConsumed }

  /// The next record without its delimiter, or nil after the last.
  func next() throws -> InputRecord? {
    while true {
      if let length = findDelimiter() { return take(length, skipping: delimiter!.count) }
      if isAtEnd { return pending.isEmpty ? nil : take(pending.count, skipping: 0) }
      try readBlock()
    }
  }

  private func take(_ length: Int, skipping delimiterBytes: Int) -> InputRecord {
    number = number.map { $0 + 1 }
    let bytes = UnsafeBufferPointer(rebasing: buffer[pending.lowerBound..<pending.lowerBound + length])
    let record = InputRecord(bytes: bytes, offset: offset, number: number)
    offset += length + delimiterBytes
    pending = (pending.lowerBound + length + delimiterBytes)..<pending.upperBound
    searched = 0
    return record
  }

  /// The bytes of `pending` before its first delimiter.
  private func findDelimiter() -> Int? {
    guard let delimiter, pending.count - searched >= delimiter.count else { return nil }
    var position = pending.lowerBound + searched
    let end = pending.upperBound - (delimiter.count - 1)
    while position < end,
      let found = memchr(buffer.baseAddress! + position, Int32(delimiter[0]), end - position)
    {
      position = UnsafeRawPointer(found) - UnsafeRawPointer(buffer.baseAddress!)
      if memcmp(found, delimiter, delimiter.count) == 0 { return position - pending.lowerBound }
      position += 1
    }
    searched = end - pending.lowerBound
    return nil
  }

  private func readBlock() throws {
    try makeRoom()
    let free = UnsafeMutableBufferPointer(rebasing: buffer[pending.upperBound...])
    let count = try source.read(into: UnsafeMutableRawBufferPointer(free))
    pending = pending.lowerBound..<pending.upperBound + count
    isAtEnd = count == 0
  }

  /// Makes a part of the buffer free, moving what is pending to its front or into a larger buffer.
  private func makeRoom() throws {
    guard pending.count <= Self.largestRecord else {
      throw InputRecord.tooLarge(Self.largestRecord, at: "\(place), byte \(offset)")
    }
    let base = buffer.baseAddress!
    if pending.count > buffer.count / 2 {
      let larger = Self.allocate(buffer.count * 2)
      memcpy(larger.baseAddress!, base + pending.lowerBound, pending.count)
      free(base)
      buffer = larger
    } else if pending.lowerBound > 0 {
      memmove(base, base + pending.lowerBound, pending.count)
    } else {
      return
    }
    pending = 0..<pending.count
  }
}
