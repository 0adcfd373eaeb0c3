import Foundation
import HATParquet
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Parquet as pyarrow and DuckDB write it: what is read, and what is refused.
@Suite struct ParquetTests {
  private let folder = TemporaryFolder()

  private func settings(_ adjust: (inout PreprocessSettings) -> Void = { _ in }) throws -> PreprocessSettings
  {
    try ParquetFixture.settings(adjust)
  }

  // MARK: What is read

  @Test(arguments: ParquetFixture.names)
  func everyFormHasTheSameRows(name: String) throws {
    #expect(ParquetFixture.names.count >= 36)
    let input = ParquetInput.self
    let rows = try ParquetFixture.rows(
      input.init(ParquetFixture.input(name), settings { $0.keep = ["id", "score", "kept"] }))
    #expect(rows == ParquetFixture.rows)
  }

  @Test(arguments: ParquetFixture.names, [1 << 10, 4 << 10])
  func slicesHaveEveryRowOnce(name: String, shardBytes: Int) throws {
    let input = try ParquetInput(
      ParquetFixture.input(name),
      settings {
        $0.keep = ["id", "score", "kept"]
        $0.shardBytes = shardBytes
      })
    let slices = try (0..<input.slices).map { try ParquetFixture.rows(input, slice: $0) }
    #expect(slices.flatMap { $0 } == ParquetFixture.rows)
    // Rows of a page that refers to a dictionary lie close together.
    let isSpread = ["plain", "many-groups", "pages-v1", "length", "duckdb"].contains { name.contains($0) }
    if shardBytes == 1 << 10 && isSpread {
      #expect(slices.filter { !$0.isEmpty }.count >= 3, "\(slices.map(\.count))")
    }
  }

  /// Slices are cut by where pages are.
  @Test(arguments: ["arrow-many-pages-v1.parquet", "arrow-many-pages-v2.parquet"])
  func pagesFillTheirColumn(name: String) throws {
    let file = try ParquetFile(opening: FilePath(ParquetFixture.path(name)))
    let column = try #require(file.column(named: "text"))
    let reader = try file.reader(of: column)
    try reader.enter(rowGroup: 0)
    var (pages, end) = (0, 0)
    while try reader.nextPage() {
      // Between pages there is a header, and before the first a dictionary may be.
      #expect(pages == 0 || 10...60 ~= reader.pageStart - end, "page \(pages)")
      end = reader.pageStart + reader.pageBytes
      pages += 1
    }
    #expect(pages >= 15)
    #expect(10...60 ~= (try file.sizes(of: column)[0].compressed) - end)
  }

  @Test func largeStringsAndManyRowGroups() throws {
    let large = try ParquetFixture.texts(ParquetFixture.input("large.parquet"), settings())
    #expect(large == (0..<4).map { "\($0) " + String(repeating: "0123456789abcdef", count: 65_536) })
    let groups = try ParquetFixture.texts(ParquetFixture.input("duckdb-groups.parquet"), settings())
    let rows = ParquetFixture.rows.compactMap(\.text)
    #expect(groups.count == ParquetFixture.rows.count * 100)
    #expect(groups.compactMap { $0 }.sorted() == rows.flatMap { Array(repeating: $0, count: 100) }.sorted())
  }

  @Test(arguments: ["required-v1.parquet", "required-v2.parquet"])
  func columnsWithoutNulls(name: String) throws {
    let texts = try ParquetFixture.texts(ParquetFixture.input(name), settings())
    #expect(texts == ParquetFixture.rows.map { $0.text ?? "" })
  }

  @Test(arguments: ["nulls-v1.parquet", "nulls-v2.parquet"])
  func columnsOfNulls(name: String) throws {
    let texts = try ParquetFixture.texts(ParquetFixture.input(name), settings())
    #expect(texts == ParquetFixture.rows.map { _ in nil })
  }

  @Test func textIsFoundUnderItsUsualNames() throws {
    func texts(_ name: String, _ field: String?) throws -> [String?] {
      try ParquetFixture.texts(ParquetFixture.input(name), settings { $0.field = field })
    }
    let expected = ParquetFixture.rows.map(\.text)
    #expect(try texts("content.parquet", nil) == expected)
    #expect(try texts("content.parquet", "content") == expected)
    #expect(try texts("arrow-wide.parquet", "outer.inner") == expected)
    let missing = errorText { _ = try texts("content.parquet", "text") }
    #expect(missing.contains("there is no column \"text\""), "\(missing)")
    #expect(missing.contains("`field`: language, content, source."), "\(missing)")
  }

  // MARK: What is refused

  @Test(arguments: [
    ("brotli", "compressed with BROTLI", "snappy, zstd, gzip"),
    ("lz4_raw", "compressed with LZ4_RAW", "snappy, zstd, gzip"),
    ("encrypted", "it is encrypted", "without encryption"),
    ("encrypted-column", "column \"text\" is encrypted", "without encryption"),
    ("no-text", "there is no column \"text\" or \"content\"", "`field`: language, body, source."),
    ("numbers", "the column \"text\" is int64, not a string", "`field`: title."),
    ("no-strings", "there is no column \"text\"", "no column of strings"),
    ("list", "the column \"text\" is a structure, a list or a map", "no column of strings"),
    ("repeated-name", "there are 2 columns \"text\"", "different names"),
  ])
  func whatIsNotReadIsRefusedByName(name: String, problem: String, hint: String) throws {
    let input = try ParquetFixture.input("refused/\(name).parquet")
    let text = errorText { _ = try ParquetFixture.texts(input, settings()) }
    #expect(text.contains("\(name).parquet: ") && text.contains(problem) && text.contains(hint), "\(text)")
    #expect(errorKind { _ = try ParquetFixture.texts(input, settings()) } == .invalidData)
  }

  @Test func columnsThatCannotBeKeptAreRefused() throws {
    for (name, problem) in [
      ("nowhere", "there is no column \"nowhere\" to keep"), ("date", "\"date\" is a date, time or decimal"),
      ("fixed", "\"fixed\" is bytes of a fixed length"), ("list.list.element", "is a list or map"),
      ("price", "which is nothing to keep"),
    ] {
      let text = errorText {
        _ = try ParquetFixture.texts(
          ParquetFixture.input("arrow-wide.parquet"), settings { $0.keep = ["id", name] })
      }
      #expect(text.contains(problem), "\(name): \(text)")
    }
  }

  /// A file cut anywhere, and one with a wrong byte in a page that has a checksum.
  @Test func damagedFilesAreRefused() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: ParquetFixture.path("arrow-checksums-v2.parquet")))
    let file = folder.appending("damaged.parquet")
    func kind(_ bytes: Data) throws -> UserError.Kind? {
      try bytes.write(to: URL(fileURLWithPath: file))
      return errorKind { _ = try ParquetFixture.texts(InputFile.list([file])[0], settings()) }
    }
    for length in stride(from: 1, to: whole.count, by: 7) {
      #expect(try kind(whole[..<length]) == .invalidData)
    }
    let parquet = try ParquetFile(opening: FilePath(ParquetFixture.path("arrow-checksums-v2.parquet")))
    let sizes = try parquet.sizes(of: parquet.column(named: "text")!)
    #expect(sizes.count == 1 && sizes[0].compressed > 400)
    // The text's pages begin behind the columns before it; their last bytes are content, not headers.
    let before = try ["id", "language"].reduce(4) {
      $0 + (try parquet.sizes(of: parquet.column(named: $1)!)[0].compressed)
    }
    var flipped = whole
    flipped[before + sizes[0].compressed - 3] ^= 1
    #expect(try kind(flipped) == .invalidData)
    let text = errorText { _ = try ParquetFixture.texts(InputFile.list([file])[0], settings()) }
    #expect(text.contains("the checksum of a page is wrong"), "\(text)")
  }

  /// A column of columns whose long name would be copied for each of them.
  @Test func aNameThatManyColumnsShareIsRefused() throws {
    func number(_ value: Int) -> [UInt8] {
      value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + number(value >> 7)
    }
    // Apache Thrift's compact protocol, fields of parquet.thrift: 4 is a name, 5 the number of columns inside.
    let (length, columns) = (1 << 20, 1000)
    var footer: [UInt8] = [0x29, 0xFC] + number(columns + 2)
    footer += [0x55, 2, 0]
    footer += [0x48] + number(length) + [UInt8](repeating: UInt8(ascii: "n"), count: length)
    footer += [0x15] + number(2 * columns) + [0]
    for _ in 0..<columns { footer += [0x48, 1, UInt8(ascii: "a"), 0] }
    footer += [0x16, 0, 0]
    var bytes = Array("PAR1".utf8) + footer
    bytes.appendLittleEndian(UInt32(footer.count))
    bytes += Array("PAR1".utf8)
    let file = folder.appending("names.parquet")
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let text = errorText { _ = try ParquetFile(opening: FilePath(file)) }
    #expect(text.contains("its columns have impossibly long names"), "\(text)")
  }

  @Test func otherKindsOfFilesUnderTheNameAreRefused() throws {
    let file = folder.appending("text.parquet")
    for bytes in [[], Array("PAR1".utf8), Array("PAR1PAR1".utf8), [UInt8](repeating: 7, count: 5000)] {
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      let text = errorText { _ = try ParquetFixture.texts(InputFile.list([folder.path])[0], settings()) }
      #expect(text.contains("it is not a Parquet file, or was cut short"), "\(bytes.count): \(text)")
    }
  }
}
