import CSIMD
import Glibc
import HATStorage
import Synchronization

/// The threads of a rank, which share the work of one kernel after another. Between kernels they spin for a moment, since
/// the next one is usually microseconds away, and then sleep.
///
/// A model and an optimiser of the same rank share one pool: the kind of work, its count and its unit may change from one
/// `split` to the next. A pool does one piece of work at a time: only the thread that owns it calls `split`, and never
/// from inside `perform`. Results must not depend on the number of threads, so each element's must not depend on the
/// others of its part.
public final class WorkerPool {
  /// How many, the calling thread included.
  public let threads: Int
  private let signal = WorkerSignal()
  private var workers: [pthread_t] = []

  public init(threads: Int) {
    precondition(threads >= 1)
    self.threads = threads
    for part in 1..<threads { workers.append(Worker(signal, part).start()) }
  }

  deinit {
    signal.stop()
    for worker in workers { pthread_join(worker, nil) }
  }

  /// Cuts `0..<count` at multiples of `unit` into one part for each thread, performs the parts that are not empty, each on
  /// its own thread, and returns when all are done.
  public func split(_ count: Int, unit: Int, _ work: some PoolWork) {
    if count == 0 { return }
    if threads == 1 || count <= unit { return work.perform(0..<count, part: 0) }
    withUnsafePointer(to: work) { work in
      let round = WorkerRound(work, count: count, unit: unit, parts: threads)
      signal.start(round)
      round.perform(part: 0)
      signal.waitUntilFinished(by: threads - 1)
    }
  }
}

/// Work that the threads of a pool share. It is a plain value: a closure would be allocated for every kernel.
public protocol PoolWork {
  /// Does the work of the elements `range`.
  /// - Parameter part: which of the pool's threads does it, from 0 on; each has its own scratch, for example.
  func perform(_ range: Range<Int>, part: Int)
}

extension PoolWork {
  fileprivate static func perform(_ work: UnsafeRawPointer, _ range: Range<Int>, part: Int) {
    work.assumingMemoryBound(to: Self.self).pointee.perform(range, part: part)
  }
}

/// A piece of work as the threads see it. It is valid while the thread that called `split` waits.
private struct WorkerRound {
  private let work: UnsafeRawPointer
  private let kind: any PoolWork.Type
  private let (count, unit, parts): (Int, Int, Int)

  init<Work: PoolWork>(_ work: UnsafePointer<Work>, count: Int, unit: Int, parts: Int) {
    (self.work, kind) = (UnsafeRawPointer(work), Work.self)
    (self.count, self.unit, self.parts) = (count, unit, parts)
  }

  func perform(part: Int) {
    let units = (count + unit - 1) / unit
    let start = units * part / parts * unit
    let end = min(count, units * (part + 1) / parts * unit)
    if start < end { kind.perform(work, start..<end, part: part) }
  }
}

/// One thread of a pool.
private final class Worker {
  private let signal: WorkerSignal
  private let part: Int

  init(_ signal: WorkerSignal, _ part: Int) {
    (self.signal, self.part) = (signal, part)
  }

  func start() -> pthread_t {
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Worker>.fromOpaque(argument!).takeRetainedValue().work()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard code == 0 else { LargeMemory.refuseThread(code) }
    return thread
  }

  private func work() {
    var seen = 0
    while signal.wait(beyond: seen) {
      seen += 1
      signal.current!.perform(part: part)
      signal.finish()
    }
  }
}

/// The signals between a pool and its threads: there is work, and it is done.
private final class WorkerSignal: @unchecked Sendable {
  /// The number of rounds of work begun.
  private let round = Atomic<Int>(0)
  private let finished = Atomic<Int>(0)
  private let sleeping = Atomic<Int>(0)
  /// The round that is being done, or `nil` between rounds and at the end.
  private(set) var current: WorkerRound?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// About fifty microseconds, several times as long as most kernels take.
  private static let spins = 2_000

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(wake)
    mutex.deallocate()
    wake.deallocate()
  }

  func start(_ work: WorkerRound) {
    precondition(current == nil, "a pool does one piece of work at a time")
    current = work
    finished.store(0, ordering: .relaxed)
    announce()
  }

  func waitUntilFinished(by workers: Int) {
    while finished.load(ordering: .acquiring) < workers { hat_pause() }
    current = nil
  }

  func stop() { announce() }

  func finish() { finished.add(1, ordering: .releasing) }

  /// Waits for a round after the first `seen`.
  /// - Returns: false if the pool ends instead.
  func wait(beyond seen: Int) -> Bool {
    for _ in 0..<Self.spins {
      if round.load(ordering: .acquiring) > seen { return current != nil }
      hat_pause()
    }
    pthread_mutex_lock(mutex)
    sleeping.add(1, ordering: .sequentiallyConsistent)
    while round.load(ordering: .sequentiallyConsistent) <= seen { pthread_cond_wait(wake, mutex) }
    sleeping.subtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
    return current != nil
  }

  private func announce() {
    round.add(1, ordering: .sequentiallyConsistent)
    guard sleeping.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }
}
