import Foundation
import HATStorage
import SystemPackage

/// RUN/hangs: what the ranks write down when their time runs out, and the report that is made of it.
public struct HangFolder: Sendable {
  private let folder: FilePath
  private var records: FilePath { folder.appending("records") }

  public init(run: FilePath) {
    folder = run.appending("hangs")
  }

  /// Forgets what an earlier start of the run has left.
  public func sweep() throws {
    try DurableFile.remove(records)
  }

  func write(_ record: HangRecord) throws {
    try DurableFile.createFolder(records)
    let file = records.appending("rank-\(record.rank).json")
    try DurableFile.write(Array(try JSONEncoder().encode(record)), to: file)
  }

  /// Whether a rank has written something down.
  public var hasRecords: Bool { DurableFile.exists(records) }

  /// In the order of the ranks.
  func allRecords() throws -> [HangRecord] {
    guard hasRecords else { return [] }
    return try DurableFile.list(records).filter { $0.hasSuffix(".json") }.map { name in
      let file = try FileReader(opening: records.appending(name))
      return try JSONDecoder().decode(
        HangRecord.self, from: Data(try file.read(at: 0, count: file.length)))
    }.sorted { $0.rank < $1.rank }
  }

  /// Makes one report of what the ranks wrote down.
  /// - Returns: the report and its file; nil when nothing was written down.
  /// - Throws: `UserError`, `DecodingError`.
  public func report() throws -> (report: HangReport, file: FilePath)? {
    let records = try allRecords()
    guard let report = HangReport(records) else { return nil }
    let file = try unusedName(for: report)
    try DurableFile.write(Array(report.text.utf8), to: file)
    try sweep()
    return (report, file)
  }

  private func unusedName(for report: HangReport) throws -> FilePath {
    var (name, number) = (folder.appending("step-\(report.step).txt"), 1)
    while DurableFile.exists(name) {
      number += 1
      name = folder.appending("step-\(report.step).\(number).txt")
    }
    return name
  }
}
