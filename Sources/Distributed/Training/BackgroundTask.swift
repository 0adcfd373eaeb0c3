import Foundation
import Synchronization

/// Work done on a thread of its own while the thread that started it goes on.
final class BackgroundTask<Success: Sendable>: Sendable {
  private let result = Mutex<Result<Success, any Error>?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  init(_ work: @escaping @Sendable () throws -> Success) {
    Thread.detachNewThread { [self] in
      let outcome = Result { try work() }
      result.withLock { $0 = outcome }
      ended.signal()
    }
  }

  var isDone: Bool { result.withLock { $0 != nil } }

  /// Waits for the end.
  /// - Returns: what the work returned.
  /// - Throws: what it threw.
  func wait() throws -> Success {
    ended.wait()
    ended.signal()
    return try result.withLock { $0! }.get()
  }
}
