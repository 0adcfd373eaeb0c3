import Foundation
import HATStorage

/// Makes values before they are needed, on a thread of its own, and hands them out in order.
///
/// The thread sleeps while `depth` values wait, and has ended when the prefetcher is gone.
public final class Prefetcher<Value: Sendable> {
  private let queue: PrefetchQueue<Value>

  /// - Parameters:
  ///   - depth: how many values may wait.
  ///   - make: makes the next value; called on the thread alone, and never again after it has thrown.
  public init(depth: Int, make: sending @escaping () throws -> Value) {
    precondition(depth > 0)
    let queue = PrefetchQueue(depth: depth, make: make)
    self.queue = queue
    OwnThread.start(name: "prefetch") { queue.fill() }
  }

  deinit {
    queue.stop()
  }

  /// The next value; waits for it where it is not there yet.
  /// - Throws: what making it threw, when all values before it have been handed out; and from then on.
  public func next() throws -> Value {
    try queue.take()
  }
}

/// What the two threads of a prefetcher share. Unchecked: `make` is called by the filling thread alone, and
/// everything that changes is under the lock of `condition`.
private final class PrefetchQueue<Value: Sendable>: @unchecked Sendable {
  private let depth: Int
  private let make: () throws -> Value
  private let condition = NSCondition()
  private var waiting: [Value] = []
  private var failure: (any Error)?
  private var isStopped = false
  private var hasEnded = false

  init(depth: Int, make: sending @escaping () throws -> Value) {
    (self.depth, self.make) = (depth, make)
  }

  /// The life of the filling thread.
  func fill() {
    while waitForRoom() {
      let made = Result { try make() }
      condition.withLock {
        switch made {
        case .success(let value): waiting.append(value)
        case .failure(let error): failure = error
        }
        condition.broadcast()
      }
    }
    condition.withLock {
      hasEnded = true
      condition.broadcast()
    }
  }

  /// - Returns: false when nothing more is wanted.
  private func waitForRoom() -> Bool {
    condition.withLock {
      while waiting.count == depth && !isStopped { condition.wait() }
      return !isStopped && failure == nil
    }
  }

  func take() throws -> Value {
    try condition.withLock {
      while waiting.isEmpty && failure == nil { condition.wait() }
      guard !waiting.isEmpty else { throw failure! }
      condition.broadcast()
      return waiting.removeFirst()
    }
  }

  /// Returns when the filling thread has made its last value.
  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
      while !hasEnded { condition.wait() }
    }
  }
}
