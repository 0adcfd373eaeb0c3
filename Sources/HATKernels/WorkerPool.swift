import CSIMD
import Glibc
import Synchronization

/// Threads that wait for parts of one kernel's work: spinning at first, since the next kernel is microseconds away, and
/// parked when nothing comes.
///
/// One thread calls `run`; what the parts do must not depend on how many there are.
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

  /// Calls `body` once for each part 0 ..< threads, each on a thread of its own, and returns when all are done.
  public func run(_ body: (_ part: Int) -> Void) {
    if threads == 1 { return body(0) }
    withoutActuallyEscaping(body) { body in
      signal.start(body)
      body(0)
      signal.waitUntilFinished(by: threads - 1)
    }
  }
}

extension WorkerPool {
  /// Cuts 0 ..< count into a part for each thread, at multiples of `unit`, and calls `body` for those that are not empty.
  public func split(_ count: Int, unit: Int, _ body: (_ part: Int, _ range: Range<Int>) -> Void) {
    let units = (count + unit - 1) / unit
    if threads == 1 || units < 2 { return body(0, 0..<count) }
    run { part in
      let start = units * part / threads * unit
      let end = min(count, units * (part + 1) / threads * unit)
      if start < end { body(part, start..<end) }
    }
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
      signal.perform(part)
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
  /// Of the round that is on; nil when there will be none.
  private var body: ((_ part: Int) -> Void)?
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

  func start(_ body: @escaping (_ part: Int) -> Void) {
    self.body = body
    finished.store(0, ordering: .relaxed)
    announce()
  }

  func waitUntilFinished(by workers: Int) {
    while finished.load(ordering: .acquiring) < workers { hat_pause() }
    body = nil
  }

  func stop() { announce() }

  /// Does a part of the round that is on. Not inlined: no reference to the work may outlive it.
  @inline(never)
  func perform(_ part: Int) { body!(part) }

  func finish() { finished.add(1, ordering: .releasing) }

  /// Waits for a round after those seen.
  /// - Returns: whether there is one; none comes when the pool ends.
  func wait(beyond seen: Int) -> Bool {
    for _ in 0..<Self.spins {
      if round.load(ordering: .acquiring) > seen { return body != nil }
      hat_pause()
    }
    pthread_mutex_lock(mutex)
    sleeping.add(1, ordering: .sequentiallyConsistent)
    while round.load(ordering: .sequentiallyConsistent) <= seen { pthread_cond_wait(wake, mutex) }
    sleeping.subtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
    return body != nil
  }

  private func announce() {
    round.add(1, ordering: .sequentiallyConsistent)
    guard sleeping.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }
}
