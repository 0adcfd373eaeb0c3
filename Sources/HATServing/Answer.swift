import Synchronization

/// What becomes of a request, from the thread that writes to the task that sends.
///
/// What has not been fetched is kept: a slow reader holds up nobody. That is bounded by the tokens that the request may have, and
/// those of its prompts where they are scored.
public final class Answer: Sendable {
  private struct State {
    /// By choice.
    var pending: [TextUpdate]
    var unfinished: Int
    var failure: (any Error)?
    var isClosed = false
    var waiter: Waiter?
    /// Whether whoever waits for the end no longer does.
    var isHurried = false

    var hasNews: Bool { pending.contains { !$0.isEmpty } }

    /// Whoever waits, if it waits for no more.
    mutating func released() -> CheckedContinuation<Void, Never>? {
      guard let waiter else { return nil }
      let isReady =
        isClosed || failure != nil || unfinished == 0
        || (isHurried || !waiter.waitsForEnd) && hasNews
      guard isReady else { return nil }
      self.waiter = nil
      return waiter.continuation
    }
  }

  private struct Waiter {
    let continuation: CheckedContinuation<Void, Never>
    let waitsForEnd: Bool
  }

  public let choices: Int
  private let state: Mutex<State>
  private let closed: @Sendable () -> Void

  /// - Parameter closed: called once, when nobody reads the answer any more.
  init(choices: Int, closed: @escaping @Sendable () -> Void) {
    self.choices = choices
    self.closed = closed
    state = Mutex(State(pending: (0..<choices).map { TextUpdate(choice: $0) }, unfinished: choices))
  }

  /// What has come since the last call. Waits until there is something; with `waitingForEnd`, until the end, or until `hurry` is
  /// called and there is something.
  /// - Returns: an update for each choice with news; nil behind the end.
  /// - Throws: `CancellationError` once it is closed; what went wrong with the request.
  public func next(waitingForEnd: Bool = false) async throws -> [TextUpdate]? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        change { $0.waiter = Waiter(continuation: continuation, waitsForEnd: waitingForEnd) }
      }
    } onCancel: {
      close()
    }
    let news = try taken()
    return news.isEmpty ? nil : news
  }

  /// Whoever waits for the end, or comes to, waits for news alone.
  public func hurry() { change { $0.isHurried = true } }

  /// What has come since the last call; waits for nothing.
  func taken() throws -> [TextUpdate] {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      if state.isClosed { throw CancellationError() }
      state.isHurried = false
      let news = state.pending.filter { !$0.isEmpty }
      for update in news { state.pending[update.choice] = TextUpdate(choice: update.choice) }
      return news
    }
  }

  /// Nobody reads it any more: what is still being written for it stops.
  public func close() {
    let isFirst = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    change { _ in }
    if isFirst { closed() }
  }

  /// Whether no more has to be written for it.
  var isOver: Bool { state.withLock { $0.isClosed || $0.failure != nil } }

  func add(_ update: TextUpdate) {
    guard !update.isEmpty else { return }
    change { state in
      state.pending[update.choice].add(update)
      if update.end != nil { state.unfinished -= 1 }
    }
  }

  func fail(_ error: any Error) { change { $0.failure = $0.failure ?? error } }

  private func change(_ body: (inout State) -> Void) {
    let released = state.withLock { state in
      body(&state)
      return state.released()
    }
    released?.resume()
  }
}
