import Foundation
import Glibc
import HATStorage
import SystemPackage

/// RUN/hangs: the records that ranks write when their time runs out, and the report made from them.
public struct HangFolder: Sendable {
  private let folder: FilePath
  private var records: FilePath { folder.appending("records") }
  /// The records while their report is made. Whoever moves them here makes it, and the others find none.
  private var claimed: FilePath { folder.appending("claimed") }

  public init(run: FilePath) {
    folder = run.appending("hangs")
  }

  /// Removes what an earlier start of the run left behind.
  public func sweep() throws {
    try DurableFile.remove(records)
    try DurableFile.remove(claimed)
  }

  func write(_ record: HangRecord) throws {
    try DurableFile.createFolder(records)
    try JSONFile.write(record, to: records.appending("rank-\(record.rank).json"))
  }

  /// Whether a rank has written a record.
  public var hasRecords: Bool { DurableFile.exists(records) }

  /// Makes one report from the records, however many ask for it at the same time.
  /// - Parameter tell: called once the report is written. Callers that get no report wait for it to return: when ranks
  ///   call, the first one that ends takes the others with it.
  /// - Returns: the report and its file; nil if there are no records, or another caller makes the report.
  /// - Throws: `UserError`, `DecodingError`.
  @discardableResult
  public func report(
    _ tell: (_ report: HangReport, _ file: FilePath) -> Void = { _, _ in }
  ) throws -> (report: HangReport, file: FilePath)? {
    guard hasRecords, try claim() else {
      waitUntilTold()
      return nil
    }
    guard let report = HangReport(try claimedRecords()) else { return nil }
    let file = try unusedName(for: report)
    try DurableFile.write(Array(report.text.utf8), to: file)
    tell(report, file)
    try DurableFile.remove(claimed)
    return (report, file)
  }

  /// Not for ever: the process that makes the report may have died.
  private func waitUntilTold() {
    let end = ContinuousClock.now + .seconds(5)
    while DurableFile.exists(claimed) && ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.01) }
  }

  /// - Returns: whether the caller is the one to make the report.
  private func claim() throws -> Bool {
    if rename(records.string, claimed.string) == 0 { return true }
    let failure = Errno(rawValue: errno)
    guard [.noSuchFileOrDirectory, .directoryNotEmpty, .fileExists].contains(failure) else {
      throw FileFailure.writing(claimed, failure)
    }
    return false
  }

  /// In rank order.
  private func claimedRecords() throws -> [HangRecord] {
    try DurableFile.list(claimed).filter { $0.hasSuffix(".json") }.map { name in
      try JSONFile.read(
        HangRecord.self, from: claimed.appending(name), hint: "Remove it: it belongs to an earlier start.")
    }.sorted { $0.rank < $1.rank }
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
