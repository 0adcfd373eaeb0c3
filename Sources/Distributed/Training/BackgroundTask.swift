import Dispatch
import HATStorage
import Synchronization

/// Work on a thread of its own.
final class BackgroundTask<Success: Sendable>: Sendable {
  private let result = Mutex<Result<Success, any Error>?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  init(_ work: @escaping @Sendable () throws -> Success) {
    OwnThread.start(name: "background") { [self] in
      let outcome = Result { try work() }
      result.withLock { $0 = outcome }
      ended.signal()
    }
  }

  var isDone: Bool { result.withLock { $0 != nil } }

  /// Waits until the work is done, and returns or throws its result.
  func wait() throws -> Success {
    ended.wait()
    ended.signal()
    return try result.withLock { $0! }.get()
  }
}
