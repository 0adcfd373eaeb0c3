import Foundation
import HATParquet
import HATStorage
import SystemPackage

@testable import HATText

/// The files that `scripts/make-parquet-fixtures` wrote with pyarrow and DuckDB.
enum ParquetFixture {
  static let folder = Bundle.module.url(forResource: "Resources/parquet/rows.json", withExtension: nil)!
    .deletingLastPathComponent().path

  struct Row: Decodable, Equatable {
    var id: Int
    var text: String?
    var language: String?
    var score: Double?
    var kept: Bool
    var source: String
  }

  /// What is in every file whose name begins with `arrow` or `duckdb`.
  static let rows: [Row] = {
    let data = try! Data(contentsOf: URL(fileURLWithPath: "\(folder)/rows.json"))
    return try! JSONDecoder().decode([Row].self, from: data)
  }()

  /// Of the files with these rows.
  static let names = try! FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter {
    ($0.hasPrefix("arrow") || $0.hasPrefix("duckdb")) && $0 != "duckdb-groups.parquet"
  }

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func input(_ name: String) throws -> InputFile { try InputFile.list([path(name)])[0] }

  static func settings(
    _ adjust: (inout PreprocessSettings) -> Void = { _ in }
  ) throws -> PreprocessSettings {
    var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
    settings.holdout = 0
    adjust(&settings)
    return settings
  }

  /// The texts of a file, with nil for null.
  static func texts(_ input: InputFile, _ settings: PreprocessSettings) throws -> [String?] {
    let reader = try ParquetInput(input, settings).records()
    var texts: [String?] = []
    while let record = try reader.next() {
      texts.append(record.row!.isNull ? nil : String(decoding: record.bytes, as: UTF8.self))
    }
    return texts
  }

  /// The rows of a file, or of a slice of it.
  static func rows(_ input: ParquetInput, slice: Int? = nil) throws -> [Row] {
    let names = try settings { $0.keep = ["id", "score", "kept"] }.readFields
    let reader = try input.records(ofSlice: slice)
    var rows: [Row] = []
    while let record = try reader.next() {
      let values = record.row!.fields.map { $0.map { String(decoding: $0, as: UTF8.self) } }
      func value(_ name: String) -> String? { values[names.firstIndex(of: name)!] }
      rows.append(
        Row(
          id: Int(value("id")!)!,
          text: record.row!.isNull ? nil : String(decoding: record.bytes, as: UTF8.self),
          language: value("language"), score: value("score").map { Double($0)! },
          kept: value("kept") == "true",
          source: value("source")!))
    }
    return rows
  }
}
