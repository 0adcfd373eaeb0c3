import DequeModule
import HATCore

/// The texts that are being written: as many at once as the predictor has documents. Others wait; each begins where one has ended.
///
/// A text is the same to the last bit whatever is written beside it. For use by one thread.
final class RunningBatch {
  private let predictor: any SymbolPredictor
  private let texts: SymbolTexts
  private let scorer: any TextScorer
  /// Prompts to be scored, a part at a time: what is written goes on meanwhile.
  private var scored = Deque<WritingChoice>()
  private var waiting = Deque<WritingChoice>()
  /// By document.
  private var written: [WritingChoice?]
  private(set) var counts = BatchCounts()

  init(_ predictor: any SymbolPredictor, _ scorer: any TextScorer) {
    (self.predictor, self.scorer) = (predictor, scorer)
    texts = SymbolTexts(predictor)
    written = Array(repeating: nil, count: predictor.documentCount)
  }

  /// Whether there is nothing to do.
  var isIdle: Bool { scored.isEmpty && waiting.isEmpty && written.allSatisfy { $0 == nil } }

  func add(_ choice: WritingChoice) {
    if choice.request.scoresPrompt { scored.append(choice) } else { enqueue(choice) }
  }

  private func enqueue(_ choice: WritingChoice) {
    if choice.request.tokens > 0 { waiting.append(choice) } else { choice.endUnwritten() }
  }

  /// Does one step for each text.
  func step() {
    scorePart()
    endAbandoned()
    begin()
    for place in predictor.predict() where written[place] != nil { draw(place) }
    counts.running = written.count { $0 != nil }
    counts.waiting = waiting.count + scored.count
  }

  private func scorePart() {
    guard var choice = scored.popFirst(), !choice.answer.isOver else { return }
    do {
      if try choice.scorePrompt(scorer) {
        counts.scoredTokens += choice.request.prompt.count
        enqueue(choice)
      } else {
        scored.append(choice)
      }
    } catch {
      choice.answer.fail(error)
    }
  }

  private func begin() {
    for place in written.indices where written[place] == nil {
      while let choice = waiting.popFirst() {
        guard !choice.answer.isOver else { continue }
        predictor.start(place)
        predictor.append(predictor.symbols(ofTokens: choice.request.prompt), to: place)
        counts.promptTokens += choice.request.prompt.count
        written[place] = choice
        break
      }
    }
  }

  private func draw(_ place: Int) {
    do {
      counts.writtenSymbols += 1
      if try written[place]!.draw(place, predictor, texts) { free(place) }
    } catch {
      written[place]!.answer.fail(error)
      free(place)
    }
  }

  private func endAbandoned() {
    for place in written.indices where written[place]?.answer.isOver ?? false { free(place) }
  }

  private func free(_ place: Int) {
    predictor.end(place)
    written[place] = nil
  }
}

/// What a batch has done, and what it does.
public struct BatchCounts: Sendable, Equatable {
  /// Of prompts that were read.
  public var promptTokens = 0
  public var scoredTokens = 0
  /// Tokens and marks.
  public var writtenSymbols = 0
  /// Texts that are being written.
  public var running = 0
  /// Texts that wait to be scored or written.
  public var waiting = 0
}
