import Dispatch
import Synchronization

/// What a run is doing. Each activity has a time limit of its own.
public enum Activity: UInt64, Sendable, CaseIterable, Codable {
  case start
  case step
  case evaluation
  case checkpoint
  case end
  case sample
  /// Waiting for the disk, and for the other ranks' disks, until a checkpoint is written.
  case writing
}

/// A part of a step, or a collective in it.
public enum RankOperation: UInt64, Sendable, CaseIterable, Codable {
  case data
  case computation
  case reduction
  case update
  case barrier
  case allGather
  case allGatherInPlace
  case exchange
  case nodeBarrier
  case allocateNodeMemory
  case agreement

  /// Whether it waits for other ranks.
  var isCollective: Bool { rawValue >= RankOperation.barrier.rawValue }
}

/// What a rank is doing, and what it did before: written by the thread that works, read by the one that watches it.
///
/// A ring buffer of atomic numbers: neither thread waits for the other, and writing allocates nothing. An operation that
/// is overwritten while it is read is left out.
public final class OperationLog: @unchecked Sendable {
  private struct Entry: ~Copyable {
    /// Counted from 1; 0 while the entry is written.
    let number = Atomic<UInt64>(0)
    let operation = Atomic<UInt64>(0)
    let bytes = Atomic<UInt64>(0)
    let step = Atomic<UInt64>(0)
    /// Nanoseconds since the machine started.
    let start = Atomic<UInt64>(0)
    /// 0 while it is under way.
    let end = Atomic<UInt64>(0)
  }

  /// Operations that are remembered.
  static let capacity = 128

  private let entries: UnsafeMutablePointer<Entry>
  private let written = Atomic<UInt64>(0)
  private let collectives = Atomic<UInt64>(0)
  private let activity = Atomic<UInt64>(Activity.start.rawValue)
  private let activityStep = Atomic<UInt64>(0)
  private let activityStart = Atomic<UInt64>(OperationLog.now())
  private let allowance: Atomic<UInt64>
  /// By activity; only for the thread that works.
  private var allowances: [TimeAllowance]

  /// - Parameter stepTimeLimit: seconds a step may take; nil to learn it from the steps. Start and end are never allowed less
  ///   because of it.
  public init(stepTimeLimit: Double? = nil) {
    entries = .allocate(capacity: Self.capacity)
    for index in 0..<Self.capacity { (entries + index).initialize(to: Entry()) }
    // A multiple of a step's, as is the work.
    let longLimit = stepTimeLimit.map { TimeAllowance.factor * $0 }
    allowances = Activity.allCases.map { activity in
      switch activity {
      case .step: TimeAllowance(fixed: stepTimeLimit)
      case .evaluation, .checkpoint, .sample: TimeAllowance(fixed: longLimit)
      // How long these took before says nothing about how long they take next.
      case .writing: TimeAllowance(fixed: longLimit ?? TimeAllowance.untried)
      case .start, .end: TimeAllowance(fixed: max(TimeAllowance.untried, longLimit ?? 0))
      }
    }
    allowance = Atomic(Self.nanoseconds(allowances[Int(Activity.start.rawValue)].seconds))
  }

  deinit {
    entries.deinitialize(count: Self.capacity)
    entries.deallocate()
  }

  private static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
  private static func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }
}

// MARK: - The thread that works

extension OperationLog {
  /// Begins an activity, which ends the one before it. Work that may take long begins its activity anew with each part.
  package func begin(_ next: Activity, step: Int) {
    let now = Self.now()
    let previous = Int(activity.load(ordering: .relaxed))
    allowances[previous].learn(seconds: Double(now - activityStart.load(ordering: .relaxed)) * 1e-9)
    // What has just begun must not look late: the allowance grows before the start moves, and shrinks after.
    allowance.store(.max, ordering: .releasing)
    activity.store(next.rawValue, ordering: .relaxed)
    activityStep.store(UInt64(step), ordering: .relaxed)
    activityStart.store(now, ordering: .releasing)
    allowance.store(Self.nanoseconds(allowances[Int(next.rawValue)].seconds), ordering: .releasing)
  }

  /// Does `work` and records when it began and ended.
  func record<Result>(_ operation: RankOperation, bytes: Int = 0, _ work: () throws -> Result) rethrows
    -> Result
  {
    let number = written.load(ordering: .relaxed) + 1
    let entry = entries + Int(number % UInt64(Self.capacity))
    entry.pointee.number.store(0, ordering: .releasing)
    entry.pointee.operation.store(operation.rawValue, ordering: .relaxed)
    entry.pointee.bytes.store(UInt64(bytes), ordering: .relaxed)
    entry.pointee.step.store(activityStep.load(ordering: .relaxed), ordering: .relaxed)
    entry.pointee.start.store(Self.now(), ordering: .relaxed)
    entry.pointee.end.store(0, ordering: .relaxed)
    entry.pointee.number.store(number, ordering: .releasing)
    written.store(number, ordering: .releasing)
    if operation.isCollective { collectives.wrappingAdd(1, ordering: .relaxed) }
    defer {
      // Operations inside a long one may have overwritten its entry.
      if entry.pointee.number.load(ordering: .relaxed) == number {
        entry.pointee.end.store(Self.now(), ordering: .releasing)
      }
    }
    return try work()
  }
}

// MARK: - The thread that watches

extension OperationLog {
  /// What a rank was doing at one moment.
  struct Moment: Sendable {
    var activity: Activity
    var step: Int
    /// Seconds since the activity began.
    var seconds: Double
    /// Seconds it may take.
    var allowance: Double
    /// Collectives entered so far.
    var collectives: Int
    /// Newest first.
    var operations: [HangRecord.Operation]
  }

  /// Differs from one activity to the next.
  var activityMark: UInt64 { activityStart.load(ordering: .acquiring) }

  /// Whether the activity has taken longer than it may.
  /// - Parameter pause: seconds that do not count.
  func isOverdue(pause: Double = 0) -> Bool {
    let start = activityStart.load(ordering: .acquiring)
    let allowed = allowance.load(ordering: .acquiring)
    let late = Self.seconds(from: start, to: Self.now()) - pause > Double(allowed) * 1e-9
    return late && start == activityStart.load(ordering: .acquiring)
  }

  /// Seconds the current activity may take.
  var allowanceSeconds: Double { Double(allowance.load(ordering: .relaxed)) * 1e-9 }

  func moment() -> Moment {
    let now = Self.now()
    return Moment(
      activity: Activity(rawValue: activity.load(ordering: .relaxed))!,
      step: Int(activityStep.load(ordering: .relaxed)),
      seconds: Self.seconds(from: activityStart.load(ordering: .relaxed), to: now),
      allowance: allowanceSeconds, collectives: Int(collectives.load(ordering: .relaxed)),
      operations: operations(at: now))
  }

  private func operations(at now: UInt64) -> [HangRecord.Operation] {
    let newest = written.load(ordering: .acquiring)
    let oldest = newest > UInt64(Self.capacity) ? newest - UInt64(Self.capacity) + 1 : 1
    guard newest >= oldest else { return [] }
    return (oldest...newest).reversed().compactMap { read($0, at: now) }
  }

  private func read(_ number: UInt64, at now: UInt64) -> HangRecord.Operation? {
    let entry = entries + Int(number % UInt64(Self.capacity))
    guard entry.pointee.number.load(ordering: .acquiring) == number else { return nil }
    let (start, end) = (
      entry.pointee.start.load(ordering: .relaxed), entry.pointee.end.load(ordering: .relaxed)
    )
    let operation = HangRecord.Operation(
      kind: RankOperation(rawValue: entry.pointee.operation.load(ordering: .relaxed))!,
      bytes: Int(entry.pointee.bytes.load(ordering: .relaxed)),
      step: Int(entry.pointee.step.load(ordering: .relaxed)), secondsAgo: Self.seconds(from: start, to: now),
      seconds: end == 0 ? nil : Self.seconds(from: start, to: end))
    return entry.pointee.number.load(ordering: .acquiring) == number ? operation : nil
  }

  private static func seconds(from start: UInt64, to end: UInt64) -> Double {
    end > start ? Double(end - start) * 1e-9 : 0
  }
}

/// How long an activity may take before the run counts as hung, learned from how long it took before.
struct TimeAllowance: Sendable {
  /// Multiple of the slowest recent time that is allowed.
  static let factor = 10.0
  /// Seconds that are always allowed: a busy machine is not a hung one.
  static let floor = 60.0
  /// Seconds allowed while too few times are known.
  static let untried = 1800.0
  private static let enoughSamples = 3
  private static let memory = 32

  /// Used in place of what would be learned.
  private let fixed: Double?
  private var recent: [Double] = []
  private var count = 0

  init(fixed: Double?) {
    self.fixed = fixed
    recent.reserveCapacity(Self.memory)
  }

  /// In seconds.
  var seconds: Double {
    if let fixed { return fixed }
    guard count >= Self.enoughSamples else { return Self.untried }
    return max(Self.floor, Self.factor * recent.max()!)
  }

  mutating func learn(seconds: Double) {
    if recent.count < Self.memory { recent.append(seconds) } else { recent[count % Self.memory] = seconds }
    count += 1
  }
}
