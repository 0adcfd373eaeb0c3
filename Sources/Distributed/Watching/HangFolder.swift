import Foundation
import Glibc
import HATStorage
import SystemPackage

/// RUN/hangs: what the ranks write down when their time runs out, and the report that is made of it.
public struct HangFolder: Sendable {
  private let folder: FilePath
  private var records: FilePath { folder.appending("records") }
  /// The records while their report is made: who moves them there makes it, and the others find none.
  private var claimed: FilePath { folder.appending("claimed") }

  public init(run: FilePath) {
    folder = run.appending("hangs")
  }

  /// Forgets what an earlier start of the run has left.
  public func sweep() throws {
    try DurableFile.remove(records)
    try DurableFile.remove(claimed)
  }

  func write(_ record: HangRecord) throws {
    try DurableFile.createFolder(records)
    let file = records.appending("rank-\(record.rank).json")
    try DurableFile.write(Array(try JSONEncoder().encode(record)), to: file)
  }

  /// Whether a rank has written something down.
  public var hasRecords: Bool { DurableFile.exists(records) }

  /// Makes one report of what the ranks wrote down, whoever asks for it at the same time.
  /// - Parameter tell: called once it is written. Whoever asked in vain waits for that: where ranks ask, the end of one
  ///   takes the others along.
  /// - Returns: the report and its file; nil when nothing was written down, or another has taken it.
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

  /// Who has the records may have died over them: not for ever.
  private func waitUntilTold() {
    let end = ContinuousClock.now + .seconds(5)
    while DurableFile.exists(claimed) && ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.01) }
  }

  /// - Returns: whether the records are the caller's to report.
  private func claim() throws -> Bool {
    if rename(records.string, claimed.string) == 0 { return true }
    let failure = Errno(rawValue: errno)
    guard [.noSuchFileOrDirectory, .directoryNotEmpty, .fileExists].contains(failure) else {
      throw FileFailure.writing(claimed, failure)
    }
    return false
  }

  /// In the order of the ranks.
  private func claimedRecords() throws -> [HangRecord] {
    try DurableFile.list(claimed).filter { $0.hasSuffix(".json") }.map { name in
      let file = try FileReader(opening: claimed.appending(name))
      return try JSONDecoder().decode(
        HangRecord.self, from: Data(try file.read(at: 0, count: file.length)))
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
