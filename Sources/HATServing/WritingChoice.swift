import HATCore

/// A choice on its way: its prompt is scored, then it is written.
struct WritingChoice {
  let request: TextRequest
  /// Its number among those of the answer.
  let index: Int
  let answer: Answer
  /// Until all of the prompt is scored.
  private var scoring: (any TokenScoring)?
  private var document: WrittenDocument
  private var sampler: Sampler
  private var stops: StopFinder
  private var builder = TokenScoreBuilder()
  /// Scores of tokens whose text is held back, each with where its text begins.
  private var heldScores: [(score: TokenScore, start: Int)] = []
  /// Bytes drawn, and bytes given away.
  private var (drawn, given) = (0, 0)

  init(_ request: TextRequest, index: Int, _ answer: Answer) {
    (self.request, self.index, self.answer) = (request, index, answer)
    document = WrittenDocument(tokens: request.tokens, behind: request.prompt)
    sampler = request.sampler
    stops = StopFinder(request.stops)
  }

  /// Scores the next part of the prompt.
  /// - Returns: whether that was the last.
  mutating func scorePrompt(_ scorer: any TextScorer) throws -> Bool {
    var scoring = try scoring ?? promptScoring(scorer)
    var update = TextUpdate(choice: index)
    let scores = try scoring.next()
    update.promptScores = scores ?? []
    self.scoring = scoring
    answer.add(update)
    return scores == nil
  }

  private func promptScoring(_ scorer: any TextScorer) throws -> any TokenScoring {
    let alternatives = request.alternatives ?? 0
    return try request.promptBytes.map { try scorer.scoring(ofBytes: $0, alternatives: alternatives) }
      ?? scorer.scoring(of: request.prompt, alternatives: alternatives)
  }

  /// Ends a choice of which nothing is to be written.
  func endUnwritten() {
    var update = TextUpdate(choice: index)
    update.end = .limit
    answer.add(update)
  }

  /// Draws the next symbol from the prediction for a document, and gives it to the model.
  /// - Returns: whether the text has ended.
  mutating func draw(
    _ place: Int, _ predictor: any SymbolPredictor, _ texts: SymbolTexts
  ) throws -> Bool {
    let symbol = try document.drawn(by: &sampler, place, predictor, texts)
    let (bytes, end) = (texts[symbol], predictor.end(by: symbol))
    var update = TextUpdate(choice: index)
    if let alternatives = request.alternatives {
      let score = builder.take(
        symbol, isMark: bytes.isEmpty && end == nil, predictor.logits(of: place), alternatives: alternatives)
      if let score { heldScores.append((score, drawn)) }
    }
    drawn += bytes.count
    if let end {
      update.end = end == .turnEnd ? .turnEnd : .documentMark
    } else {
      if !bytes.isEmpty { update.tokens = 1 }
      let (text, isStopped) = stops.take(document.take(bytes))
      update.text = text
      update.end = isStopped ? .stop : document.isComplete ? .limit : nil
    }
    finish(&update)
    answer.add(update)
    if update.end == nil { predictor.append([symbol], to: place) }
    return update.end != nil
  }

  /// Adds what need not be held back any more.
  private mutating func finish(_ update: inout TextUpdate) {
    if let end = update.end, end != .stop { update.text += stops.rest() }
    given += update.text.count
    let hasMark = update.end == .documentMark || update.end == .turnEnd
    let ready = heldScores.prefix { held in held.start < given || hasMark && held.start == drawn }
    update.scores = ready.map(\.score)
    heldScores.removeFirst(ready.count)
  }
}
