import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct WatchingTests {
  private static func record(
    rank: Int, of ranks: Int, collectives: Int = 10, open: [RankOperation] = [.reduction, .exchange]
  ) -> HangRecord {
    HangRecord(
      rank: rank, ranks: ranks, node: "node-\(rank / 2)", process: 100 + Int32(rank), activity: .step,
      step: 7,
      seconds: 12, allowance: 3, stoodStill: 0, collectives: collectives,
      operations: open.reversed().map {
        HangRecord.Operation(kind: $0, bytes: 64, step: 7, secondsAgo: 12, seconds: nil)
      })
  }

  @Test func aRankThatDoesNotReportIsNamed() throws {
    let report = try #require(HangReport([0, 1, 3].map { Self.record(rank: $0, of: 4) }))
    #expect(report.missingRanks == [2])
    #expect(report.cause.hasPrefix("Rank 2 did not report"))
    #expect(report.summary.contains("step 7") && report.summary.contains("12.0 s"))
    let rows = report.text.split(separator: "\n").filter { $0.hasPrefix("  ") }
    #expect(rows.contains { $0.hasPrefix("  2") && $0.contains("no report") })
    #expect(
      rows.contains {
        $0.contains("node-1") && $0.hasSuffix("step, reduction of 64 bytes, exchange of 64 bytes")
      })
  }

  @Test func aRankThatWorksOnIsWhatTheOthersWaitFor() throws {
    let records =
      [0, 1].map { Self.record(rank: $0, of: 3) } + [Self.record(rank: 2, of: 3, open: [.computation])]
    #expect(try #require(HangReport(records)).cause.hasPrefix("Rank 2 did not wait"))
  }

  @Test func aRankThatStoodStillIsNamed() throws {
    var records = (0..<3).map { Self.record(rank: $0, of: 3) }
    records[1].stoodStill = 9
    #expect(try #require(HangReport(records)).cause == "Rank 1 stood still: the process was stopped.")
  }

  @Test func ranksThatAllWaitPointToTheConnection() throws {
    let even = try #require(HangReport((0..<4).map { Self.record(rank: $0, of: 4) }))
    #expect(even.cause == "All ranks waited: a connection between them is down.")
    let uneven = try #require(
      HangReport((0..<3).map { Self.record(rank: $0, of: 3, collectives: $0 == 1 ? 8 : 10) }))
    #expect(uneven.cause.contains("connection") && uneven.cause.contains("rank 1"))
    #expect(HangReport([]) == nil)
  }

  @Test func reportsAreKeptAndRecordsAreNot() throws {
    let run = TemporaryFolder()
    let folder = HangFolder(run: FilePath(run.path))
    #expect(try folder.report() == nil)
    for name in ["step-7.txt", "step-7.2.txt"] {
      for rank in [2, 0] { try folder.write(Self.record(rank: rank, of: 3)) }
      let (report, file) = try #require(try folder.report())
      #expect(report.missingRanks == [1])
      #expect(file.lastComponent?.string == name)
      #expect(try String(contentsOfFile: file.string, encoding: .utf8) == report.text)
      #expect(!folder.hasRecords)
    }
  }

  @Test func ranksThatAskAtTheSameTimeMakeOneWholeReport() throws {
    let run = TemporaryFolder()
    let folder = HangFolder(run: FilePath(run.path))
    for _ in 0..<50 {
      for rank in 0..<4 { try folder.write(Self.record(rank: rank, of: 4)) }
      let tasks = (0..<4).map { _ in BackgroundTask { try folder.report()?.report.missingRanks } }
      #expect(try tasks.compactMap { try $0.wait() } == [[]])
    }
  }

  /// A rank that ends takes the others along, and with them a report that is not yet told of.
  @Test func whoAsksInVainWaitsUntilTheReportIsTold() throws {
    let run = TemporaryFolder()
    let folder = HangFolder(run: FilePath(run.path))
    for rank in 0..<2 { try folder.write(Self.record(rank: rank, of: 2)) }
    let (begun, told) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let first = BackgroundTask {
      try folder.report { _, _ in
        begun.signal()
        Thread.sleep(forTimeInterval: 0.2)
        told.signal()
      } != nil
    }
    begun.wait()
    #expect(try folder.report() == nil)
    #expect(told.wait(timeout: .now()) == .success)
    #expect(try first.wait())
  }

  @Test func operationsAreRememberedNewestFirst() {
    let log = OperationLog()
    log.begin(.step, step: 4)
    for bytes in 1...OperationLog.capacity { log.record(.barrier, bytes: bytes) {} }
    log.record(.reduction) {
      log.record(.exchange, bytes: 5) {
        let moment = log.moment()
        #expect(moment.activity == .step && moment.step == 4)
        #expect(moment.collectives == OperationLog.capacity + 1)
        #expect(moment.operations.count == OperationLog.capacity)
        #expect(moment.operations.prefix(3).map(\.kind) == [.exchange, .reduction, .barrier])
        #expect(moment.operations.map { $0.seconds == nil }.prefix(3) == [true, true, false])
        #expect(moment.operations[2].bytes == OperationLog.capacity)
      }
    }
    #expect(log.moment().operations.allSatisfy { $0.seconds != nil })
  }

  @Test func aLogIsReadWhileItIsWritten() {
    let log = OperationLog()
    let task = BackgroundTask {
      for _ in 0..<2_000 {
        let operations = log.moment().operations
        #expect(operations.allSatisfy { $0.step == $0.bytes })
      }
    }
    var step = 0
    while !task.isDone {
      step += 1
      log.begin(.step, step: step)
      for _ in 0..<3 { log.record(.barrier, bytes: step) {} }
    }
    #expect(throws: Never.self) { try task.wait() }
  }

  @Test func anActivityIsOverdueWhenItsTimeIsUp() {
    let log = OperationLog(stepTimeLimit: 0.05)
    #expect(!log.isOverdue())
    log.begin(.step, step: 1)
    #expect(!log.isOverdue())
    Thread.sleep(forTimeInterval: 0.06)
    #expect(log.isOverdue())
    #expect(!log.isOverdue(pause: 0.03))
    log.begin(.evaluation, step: 1)
    #expect(!log.isOverdue())
  }

  @Test func limitsAreLearnt() {
    var allowance = TimeAllowance(fixed: nil)
    for _ in 0..<2 { allowance.learn(seconds: 20) }
    #expect(allowance.seconds == TimeAllowance.untried)
    allowance.learn(seconds: 30)
    #expect(allowance.seconds == 300)
    for _ in 0..<32 { allowance.learn(seconds: 0.1) }
    #expect(allowance.seconds == TimeAllowance.floor)
    var fixed = TimeAllowance(fixed: 2)
    for _ in 0..<9 { fixed.learn(seconds: 100) }
    #expect(fixed.seconds == 2)
  }

  /// A start that reports progress, and a disk, are not measured by what was quick before.
  @Test func someLimitsAreNotLearnt() {
    let log = OperationLog()
    for activity in [Activity.start, .writing] {
      for step in 0..<5 { log.begin(activity, step: step) }
      #expect(log.allowanceSeconds == TimeAllowance.untried, "\(activity)")
    }
    for (limit, start) in [(1.0, TimeAllowance.untried), (1000.0, 10_000.0)] {
      let log = OperationLog(stepTimeLimit: limit)
      #expect(log.allowanceSeconds.rounded() == start)
      log.begin(.writing, step: 1)
      #expect(log.allowanceSeconds.rounded() == 10 * limit)
    }
  }

  /// Three checkpoints were copied quickly before; the last is on the disk when it is reported.
  @Test func theLastCheckpointMayTakeLong() throws {
    let folder = TemporaryFolder()
    let log = OperationLog()
    nonisolated(unsafe) var last: OperationLog.Moment?
    let run = ToyRun(folder: folder.path, configuration: ToyRun.configuration(steps: 20))
    _ = try run.train(ranks: 1, log: log) { event in
      if case .checkpointed(step: 20, seconds: _) = event { last = log.moment() }
    }
    #expect(last?.activity == .writing && last?.allowance == TimeAllowance.untried)
  }

  @Test func aJobIsEndedFromOutsideWhenItDoesNotEndItself() {
    let start = ContinuousClock.now
    var (silent, running) = (HangPatience(now: start), HangPatience(now: start))
    running.hasHeard = true
    let silences = [599, 601].map { silent.isOver(hasRecords: false, now: start + .seconds($0)) }
    #expect(silences == [false, true])
    let records = [(false, 9_000), (true, 9_001), (true, 9_010), (true, 9_012)].map { hasRecords, seconds in
      running.isOver(hasRecords: hasRecords, now: start + .seconds(seconds))
    }
    #expect(records == [false, false, false, true])
  }
}
