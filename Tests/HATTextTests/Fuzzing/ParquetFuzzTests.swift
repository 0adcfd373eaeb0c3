import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATParquet
@testable import HATText

/// Random damage to Parquet files, anywhere and where it hurts: in the numbers of the metadata, in the headers of pages, in
/// levels, lengths and dictionaries. (Files whose pages are not compressed show their content to the damage.)
extension FuzzTests {
  @Test func parquetOfAnyBytes() throws {
    let files = try ParquetFixture.names.map { try ParquetVictim(ParquetFixture.path($0)) }
    let folder = TemporaryFolder()
    let path = folder.appending("a.parquet")
    let settings = try ParquetFixture.settings {
      $0.keep = ["id", "score", "kept"]
      $0.shardBytes = 1 << 12
    }
    var (wholes, slowest) = (0, Duration.zero)
    try Fuzzer.run { generator in
      let bytes = files.randomElement(using: &generator)!.damaged(&generator)
      try bytes.write(to: path)
      let started = ContinuousClock.now
      do {
        try read(InputFile.list([path])[0], settings)
        wholes += 1
      } catch let error as UserError {
        try #require(error.kind == .invalidData && error.place?.contains("/a.parquet") == true, "\(error)")
        try #require(!error.problem.isEmpty && !error.hint.isEmpty)
      }
      slowest = max(slowest, ContinuousClock.now - started)
      try #require(ContinuousClock.now - started < .seconds(20), "no small file takes long")
    }
    // Damage to statistics, to names, or to what a text consists of is not noticed; all else is.
    #expect(wholes > 0)
    if Fuzzer.leastRounds > 100 {
      print("parquet: \(wholes) of the files could be read; the slowest took \(slowest)")
    }
  }

  /// A file may state more rows than it has bytes, for equal ones take none: they are not all looked at.
  private static let mostRows = 20_000

  private func read(_ input: InputFile, _ settings: PreprocessSettings) throws {
    let parser = try DocumentParser(settings)
    let parquet = try ParquetInput(input, settings)
    try #require(0...input.bytes ~= parquet.slices)
    let reader = try parquet.records()
    var rows = 0
    while let record = try reader.next() {
      rows += 1
      try #require(record.number == rows && reader.bytesConsumed <= input.bytes)
      try parser.parse(record, of: input) { outcome in
        guard case .document(let text, let metadata, _) = outcome else { return }
        try #require(TextValidation.firstInvalidByte(in: text) == nil)
        _ = try DocumentMetadata(decoding: ByteParser(metadata))
      }
      if rows == Self.mostRows { return }
    }
    try #require(rows == parquet.file.rows)
    // Slices have the same rows, in the same order.
    var sliced = 0
    for slice in 0..<min(parquet.slices, 50) {
      let reader = try parquet.records(ofSlice: slice)
      while let record = try reader.next() {
        sliced += 1
        try #require(record.number == sliced)
      }
    }
    try #require(sliced == rows || parquet.slices > 50)
  }
}

/// A whole file, and where in it numbers are that others depend on.
private struct ParquetVictim {
  let whole: [UInt8]
  let footer: Range<Int>
  /// Where dictionary pages and pages of data begin, in each column.
  let pages: [Int]

  init(_ path: String) throws {
    whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let length = whole[(whole.count - 8)..<(whole.count - 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
    footer = (whole.count - 8 - length)..<(whole.count - 8)
    let file = try ParquetFile(opening: FilePath(path))
    pages = try ["text", "id", "score", "kept", "language"].flatMap { name in
      let column = file.column(named: name)!
      return try file.metadata.rowGroups.indices.filter { file.rowGroups[$0] > 0 }.map {
        try file.chunk(of: column, inRowGroup: $0).range.lowerBound
      }
    }
  }

  func damaged(_ generator: inout TextGenerator) -> [UInt8] {
    var bytes = whole
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: return generator.damaged(whole)
      case 1:
        // Any byte of the metadata.
        let place = Int.random(in: footer, using: &generator)
        bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 2, 3: replaceNumber(in: footer, of: &bytes, &generator)
      default:
        let start = pages.randomElement(using: &generator)!
        // The header of the first page; the levels, lengths or indexes behind it; what follows.
        let length = [20, 60, 1000].randomElement(using: &generator)!
        replaceNumber(in: start..<min(start + length, footer.lowerBound), of: &bytes, &generator)
      }
    }
    return bytes
  }

  /// Puts another number where one may be, of as many bytes, so that what is behind it stays in its place.
  private func replaceNumber(in range: Range<Int>, of bytes: inout [UInt8], _ generator: inout TextGenerator)
  {
    let start = Int.random(in: range, using: &generator)
    var end = start
    while end < range.upperBound - 1, bytes[end] >= 0x80 { end += 1 }
    let isLong = Bool.random(using: &generator)
    var number = generator.hostileNumber(near: UInt64(bytes[start]))
    for place in start...min(isLong ? end + 4 : end, range.upperBound - 1) {
      bytes[place] = UInt8(truncatingIfNeeded: number) | 0x80
      number >>= 7
    }
    bytes[min(isLong ? end + 4 : end, range.upperBound - 1)] &= 0x7F
  }
}

extension [UInt8] {
  /// In one go, and without waiting for the disk.
  fileprivate func write(to path: String) throws {
    let file = try FileDescriptor.open(
      FilePath(path), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    defer { try? file.close() }
    _ = try file.writeAll(self)
  }
}
