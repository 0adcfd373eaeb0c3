/// What is piped into the process.
public enum StandardInput {
  /// Calls `body` with each line, without its line feed, as it arrives; lines count from 1.
  public static func forEachLine(
    _ body: (_ line: UnsafeBufferPointer<UInt8>, _ number: Int) throws -> Void
  ) throws {
    let reader = RecordReader(StandardInputSource(), place: "standard input", delimiter: [0x0A])
    while let record = try reader.next() { try body(record.bytes, record.number!) }
  }

  /// Everything up to its end.
  public static func readAll() throws -> [UInt8] {
    let reader = RecordReader(StandardInputSource(), place: "standard input", delimiter: nil)
    return try reader.next().map { Array($0.bytes) } ?? []
  }
}
