import Foundation

/// Where the threads of a `ThreadCommunicator` meet.
///
/// One lock and one condition: a rank shows the others something, waits until all have, looks, and waits until
/// all have looked.
final class ThreadGroup: @unchecked Sendable {
  let size: Int
  private let condition = NSCondition()
  private var shown: [Shown?]
  private var arrived = 0
  private var generation = 0
  private var failure: CommunicationFailure?

  /// What one rank shows in one collective.
  struct Shown {
    /// The verb: ranks that call different ones are out of step.
    var verb: String
    var address: UnsafeRawPointer?
    var count: Int
    var messages: [OutgoingMessage] = []
  }

  init(size: Int) {
    self.size = size
    shown = Array(repeating: nil, count: size)
  }

  /// Shows `mine`, waits for all, lets `look` read what the others show, and waits until all have looked.
  func meet(rank: Int, _ mine: Shown, look: ([Shown]) -> Void) throws {
    condition.withLock { shown[rank] = mine }
    try wait()
    let all = condition.withLock { shown.compactMap { $0 } }
    guard all.count == size, all.allSatisfy({ $0.verb == mine.verb }) else {
      let verbs = all.map(\.verb).joined(separator: ", ")
      let failure = CommunicationFailure("the ranks are out of step: they called \(verbs)")
      fail(failure)
      throw failure
    }
    look(all)
    try wait()
  }

  /// Wakes every rank with an error; the first failure counts.
  func fail(_ failure: CommunicationFailure) {
    condition.withLock {
      if self.failure == nil { self.failure = failure }
      condition.broadcast()
    }
  }

  private func wait() throws {
    condition.lock()
    defer { condition.unlock() }
    if let failure { throw failure }
    arrived += 1
    if arrived == size {
      arrived = 0
      generation += 1
      condition.broadcast()
      return
    }
    let mine = generation
    while generation == mine {
      if let failure { throw failure }
      condition.wait()
    }
  }
}
