import CSIMD
import Glibc
import Synchronization

/// Threads that wait for parts of one kernel's work: spinning at first, since the next kernel is microseconds away, and
/// parked when nothing comes.
///
/// One thread calls `split`; what the parts do must not depend on how many there are.
public final class WorkerPool {
  /// The calling thread included.
  public let threads: Int
  private let signal = WorkerSignal()
  private var workers: [pthread_t] = []

  public init(threads: Int) {
    precondition(threads >= 1)
    self.threads = threads
    for part in 1..<max(1, threads) { workers.append(Worker(signal, part).start()) }
  }

  deinit {
    signal.stop()
    for worker in workers { pthread_join(worker, nil) }
  }

  /// Cuts 0 ..< count into a part for each thread, at multiples of `unit`, has those that are not empty done, each on a
  /// thread of its own, and returns when all are.
  public func split(_ count: Int, unit: Int, _ work: some PoolWork) {
    if threads == 1 || count <= unit { return work.perform(0..<count, part: 0) }
    withUnsafePointer(to: work) { work in
      let round = WorkerRound(work, count: count, unit: unit, parts: threads)
      signal.start(round)
      round.perform(part: 0)
      signal.waitUntilFinished(by: threads - 1)
    }
  }
}

/// What a pool's threads share out, as plain values: a closure would be put on the heap for every kernel.
public protocol PoolWork {
  /// Does the work of some of the elements.
  /// - Parameter part: which of the pool's threads this is.
  func perform(_ range: Range<Int>, part: Int)
}

extension PoolWork {
  fileprivate static func perform(_ work: UnsafeRawPointer, _ range: Range<Int>, part: Int) {
    work.assumingMemoryBound(to: Self.self).pointee.perform(range, part: part)
  }
}

/// A piece of work as its threads see it, good while the thread that called `split` waits.
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

/// One of a pool's threads.
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
    precondition(code == 0, "a thread can be started")
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

/// How a pool and its threads tell each other that there is work, and that it is done.
private final class WorkerSignal: @unchecked Sendable {
  /// Rounds of work begun.
  private let round = Atomic<Int>(0)
  private let finished = Atomic<Int>(0)
  private let sleeping = Atomic<Int>(0)
  /// The round that is on; nil when there will be none.
  private(set) var current: WorkerRound?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Some fifty microseconds, several times as long as most kernels take.
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

  /// Waits for a round after those seen.
  /// - Returns: whether there is one; none comes when the pool ends.
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
