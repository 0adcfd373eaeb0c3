import Dispatch
import HAT
import HATStorage
import Synchronization

/// Takes requests from any thread; one thread of its own writes for all of them.
public final class BatchService: Sendable {
  private struct Added {
    let request: TextRequest
    let index: Int
    let answer: Answer
  }

  private struct State {
    var isStopping = false
    /// Choices whose answers are not closed.
    var open = 0
    var added: [Added] = []
    var counts = BatchCounts()
  }

  /// Texts written at once, at most.
  public let slots: Int
  /// Texts of requests that are not answered, at most.
  public let capacity: Int
  private let state = Mutex(State())
  private let news = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - model: must not be used by others from now on.
  ///   - slots: texts written at once.
  ///   - capacity: texts of requests that are not answered, at most: written, waiting, or waiting to be sent.
  public init(_ model: LoadedModel, slots: Int, capacity: Int) {
    (self.slots, self.capacity) = (slots, capacity)
    nonisolated(unsafe) let batch = RunningBatch(model.makePredictor(documents: slots), model.makeScorer())
    OwnThread.start(name: "batch", stackBytes: 8 << 20) { [self] in run(batch) }
  }

  public var isStopping: Bool { state.withLock { $0.isStopping } }
  public var counts: BatchCounts { state.withLock { $0.counts } }
  /// Texts of requests that are not answered.
  public var open: Int { state.withLock { $0.open } }

  /// Writes texts. The answer is to be closed in the end.
  /// - Throws: `Refusal`.
  public func submit(_ requests: [TextRequest]) throws -> Answer {
    let count = requests.count
    let answer = Answer(choices: count) { [weak self] in self?.leave(count) }
    try state.withLock { state in
      if state.isStopping { throw Refusal.stopping }
      guard state.open + count <= capacity else { throw Refusal.full }
      state.open += count
      for (index, request) in requests.enumerated() {
        state.added.append(Added(request: request, index: index, answer: answer))
      }
    }
    news.signal()
    return answer
  }

  /// Takes no more requests; those that were taken are finished.
  public func stop() {
    state.withLock { $0.isStopping = true }
    news.signal()
  }

  private func leave(_ count: Int) {
    state.withLock { $0.open -= count }
    news.signal()
  }

  private func run(_ batch: RunningBatch) {
    while true {
      if batch.isIdle { news.wait() }
      let (added, isOver) = state.withLock { state in
        defer { state.added = [] }
        return (state.added, state.isStopping && state.open == 0)
      }
      if isOver { return }
      for text in added { batch.add(WritingChoice(text.request, index: text.index, text.answer)) }
      batch.step()
      let counts = batch.counts
      state.withLock { $0.counts = counts }
    }
  }
}
