import CAffinity
import Foundation
import HATStorage

/// How fast each core is while all compute, and how much of its time other programs take.
struct CoreSpeedCheck: Check {
  static let name = "speed"

  /// Repetitions of a short computation on one core.
  struct Core: Codable, Equatable {
    /// Its first hardware thread.
    var core: Int
    /// Seconds.
    var fastest: Double
    var median: Double
    var slowest: Double
    /// The part of the time in which the computation did not run.
    var lost: Double
  }

  typealias Measurement = [Core]

  private static let seconds = 0.4
  /// Cores that are slower than the fastest by this factor are named.
  private static let noticeableRatio = 1.2
  private static let noticeableLoss = 0.05

  /// Ranks that may run on the same cores share the work.
  func measure(on communicator: any Communicator) throws -> [Core] {
    let own = CoreList.text(ProcessorCores.allowedCores())
    let lists = try communicator.allGather(own)
    let sharing = communicator.nodes.neighbours(ofRank: communicator.rank).filter { lists[$0] == own }
    let place = sharing.firstIndex(of: communicator.rank)!
    let cores = CoreList.cores(own).sorted().enumerated().filter { $0.offset % sharing.count == place }
    try communicator.barrier()
    return CoreTimer.measure(cores.map(\.element), seconds: Self.seconds)
  }

  func findings(_ ranks: [[Core]], on machines: Machines) -> [Finding] {
    let cores = ranks.enumerated().flatMap { rank, cores in
      cores.map { (place: "core \($0.core) of \(machines.name(ofRank: rank))", core: $0) }
    }
    guard let fast = cores.min(by: { $0.core.fastest < $1.core.fastest }),
      let slow = cores.max(by: { $0.core.fastest < $1.core.fastest }),
      let busy = cores.max(by: { $0.core.lost < $1.core.lost }),
      let uneven = cores.max(by: { $0.core.ratio < $1.core.ratio })
    else { return [worthKnowing("no core could be measured", advice: "Look at the cores this job may use.")] }
    let ratio = slow.core.fastest / fast.core.fastest
    let figures = [
      "cores": Double(cores.count), "fastest_seconds": fast.core.fastest, "slowest_core_ratio": ratio,
      "largest_lost_share": busy.core.lost, "largest_repetition_ratio": uneven.core.ratio,
    ]
    var findings: [Finding] = []
    if ratio > Self.noticeableRatio {
      findings.append(
        worthKnowing(
          "\(slow.place) takes \(Figure.rounded(ratio)) times as long as \(fast.place): all ranks wait for it",
          advice: "Look at frequency, governor, temperature and other jobs there, or leave the machine out.",
          figures: figures))
    }
    if busy.core.lost > Self.noticeableLoss {
      findings.append(
        worthKnowing(
          "\(busy.place) loses \(Figure.percent(busy.core.lost)) of its time to other work (slowest repetition "
            + "\(Figure.rounded(uneven.core.ratio)) times the fastest)",
          advice: "See what else runs there (top), or bind ranks to other cores.", figures: figures))
    }
    guard findings.isEmpty else { return findings }
    return [
      fine(
        "\(counted(cores.count, "core")): at most \(Figure.percent(ratio - 1)) between the fastest and the slowest, "
          + "\(Figure.percent(busy.core.lost)) lost to other work",
        figures: figures)
    ]
  }
}

extension CoreSpeedCheck.Core {
  /// The slowest repetition over the fastest.
  fileprivate var ratio: Double { slowest / fastest }
}

/// Times a fixed computation on several cores at once.
enum CoreTimer {
  /// Cores on which a thread cannot run are left out.
  static func measure(_ cores: [Int], seconds: Double) -> [CoreSpeedCheck.Core] {
    let tasks = cores.map { Task(core: $0, seconds: seconds) }
    for task in tasks { task.start() }
    return tasks.compactMap { $0.wait() }
  }

  private final class Task: @unchecked Sendable {
    private let core: Int
    private let seconds: Double
    private let isDone = DispatchSemaphore(value: 0)
    /// Written before `isDone` is signalled, and read after.
    private var result: CoreSpeedCheck.Core?

    init(core: Int, seconds: Double) { (self.core, self.seconds) = (core, seconds) }

    func start() {
      OwnThread.start(name: "core speed") { [self] in
        if hat_affinity_bind(Int32(core)) { result = CoreTimer.measure(core: core, seconds: seconds) }
        isDone.signal()
      }
    }

    func wait() -> CoreSpeedCheck.Core? {
      isDone.wait()
      return result
    }
  }

  /// Of one repetition: a fraction of a millisecond.
  private static let links = 100_000

  private static func measure(core: Int, seconds: Double) -> CoreSpeedCheck.Core {
    var times: [Double] = []
    times.reserveCapacity(8192)
    var state: UInt64 = 88_172_645_463_325_252
    let start = ContinuousClock.now
    var last = start
    repeat {
      state = chain(from: state)
      let now = ContinuousClock.now
      times.append((now - last) / .seconds(1))
      last = now
    } while last - start < .seconds(seconds)
    // Nothing computes less than it seems to.
    precondition(state != 0, "xorshift never reaches 0")
    let sorted = times.sorted()
    return CoreSpeedCheck.Core(
      core: core, fastest: sorted[0], median: sorted[sorted.count / 2], slowest: sorted.last!,
      lost: max(0, 1 - sorted[sorted.count / 20] * Double(sorted.count) / ((last - start) / .seconds(1))))
  }

  /// Each step needs the one before, so that the time depends on the frequency alone (xorshift, Marsaglia 2003).
  @inline(never)
  private static func chain(from state: UInt64) -> UInt64 {
    var state = state
    for _ in 0..<links {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
    }
    return state
  }
}
