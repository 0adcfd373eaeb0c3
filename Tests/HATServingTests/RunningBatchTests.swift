import Foundation
import HATCore
import HATRandom
import HATText
import TestSupport
import Testing

@testable import HATServing

@Suite struct RunningBatchTests {
  private static let kinds: [ModelKind] = [.hierarchical, .subword]

  private func model(_ kind: ModelKind) throws -> SampleModel {
    kind == .subword ? try .subword() : try .hierarchical()
  }

  private func request(
    _ model: SampleModel, _ prompt: [UInt8], document: Int, tokens: Int = 40, temperature: Double = 1
  ) throws -> TextRequest {
    TextRequest(
      prompt: model.tokens(prompt), tokens: tokens,
      sampler: try Sampler(temperature: temperature, topP: 0.95, seed: 7, document: document))
  }

  private func answer(_ count: Int = 1) -> Answer { Answer(choices: count) {} }

  private func finish(_ batch: RunningBatch) { while !batch.isIdle { batch.step() } }

  private func whole(_ answer: Answer) async throws -> [TextUpdate] {
    try #require(try await answer.next(waitingForEnd: true))
  }

  /// What `generate` writes.
  private func alone(_ model: SampleModel, _ request: TextRequest, bytes: Int) throws -> [UInt8] {
    let generator = TextGenerator(model.predictor(documents: 1))
    var (samplers, text) = ([request.sampler], [UInt8]())
    generator.read(symbols: [model.predictor(documents: 1).symbols(ofTokens: request.prompt)])
    _ = try generator.write(byteLimit: bytes, samplers: &samplers) { text += $1 }
    return text
  }

  @Test(arguments: kinds, [0.0, 1]) func textsThatJoinAndLeaveAreWhatEachIsAlone(
    kind: ModelKind, temperature: Double
  ) async throws {
    let model = try model(kind)
    let requests = try SampleModel.prompts(14).enumerated().map {
      try request(model, $1, document: $0, tokens: 10 + 7 * ($0 % 5), temperature: temperature)
    }
    var expected: [[UInt8]] = []
    for request in requests {
      let batch = RunningBatch(model.predictor(documents: 1), model.scorer())
      let answer = answer()
      batch.add(WritingChoice(request, index: 0, answer))
      finish(batch)
      expected.append(try await whole(answer)[0].text)
    }
    #expect(Set(expected).count > 8, "texts differ")
    var random = RandomSource(keys: 3)
    for slots in [1, 3, 8] {
      let batch = RunningBatch(model.predictor(documents: slots), model.scorer())
      var order = Array(requests.indices)
      random.shuffle(&order)
      let answers = requests.map { _ in answer() }
      for index in order {
        batch.add(WritingChoice(requests[index], index: 0, answers[index]))
        for _ in 0..<random.next(below: 30) { batch.step() }
      }
      finish(batch)
      for (answer, text) in zip(answers, expected) { #expect(try await whole(answer)[0].text == text) }
    }
  }

  @Test(arguments: [0.0, 1]) func aTextIsWhatGenerateWrites(temperature: Double) async throws {
    let model = try model(.hierarchical)
    for (document, prompt) in SampleModel.prompts(6).enumerated() {
      let request = try request(model, prompt, document: document, tokens: 60, temperature: temperature)
      let batch = RunningBatch(model.predictor(documents: 2), model.scorer())
      let answer = answer()
      batch.add(WritingChoice(request, index: 0, answer))
      finish(batch)
      let update = try await whole(answer)[0]
      #expect(update.text == (try alone(model, request, bytes: 60)))
      #expect(update.tokens == update.text.count)
      #expect(update.end == (update.text.count == 60 ? .limit : .documentMark))
    }
  }

  @Test func aTextOfTokensBeginsWhatGenerateWrites() async throws {
    let model = try model(.subword)
    for (document, prompt) in SampleModel.prompts(6).enumerated() {
      let request = try request(model, prompt, document: document, tokens: 20)
      let batch = RunningBatch(model.predictor(documents: 2), model.scorer())
      let answer = answer()
      batch.add(WritingChoice(request, index: 0, answer))
      finish(batch)
      let update = try await whole(answer)[0]
      #expect(update.tokens == 20 || update.end == .documentMark)
      #expect(String(validating: update.text, as: UTF8.self) != nil)
      // Where the limit is near, characters that do not fit are not begun: the beginning is the same.
      let same = max(0, update.text.count - 12)
      #expect(try alone(model, request, bytes: 500).starts(with: update.text.prefix(same)))
    }
  }

  @Test(arguments: kinds) func updatesAreWholeCharactersAndTheirScoresWhatTheModelGave(kind: ModelKind)
    async throws
  {
    let model = try model(kind)
    var request = try request(model, Array("größer 語 ".utf8), document: 1, tokens: 50)
    (request.alternatives, request.scoresPrompt) = (3, true)
    let batch = RunningBatch(model.predictor(documents: 2), model.scorer())
    let answer = answer()
    batch.add(WritingChoice(request, index: 0, answer))
    var (text, scores, promptScores) = ([UInt8](), [TokenScore](), [TokenScore]())
    while !batch.isIdle {
      batch.step()
      for update in try answer.taken() {
        #expect(String(validating: update.text, as: UTF8.self) != nil)
        text += update.text
        scores += update.scores
        promptScores += update.promptScores
      }
    }
    #expect(promptScores.map(\.token) == request.prompt)
    let written = scores.map(\.token).filter { $0 != model.predictor(documents: 1).endSymbol }
    #expect(model.bytes(written) == text)
    // What the model gives each symbol, alone.
    let alone = model.predictor(documents: 1)
    alone.start(0)
    var behind = alone.symbols(ofTokens: request.prompt)
    func logProbability(of symbol: Int) -> Double {
      alone.append(behind, to: 0)
      behind = [symbol]
      _ = alone.predict()
      let logits = alone.logits(of: 0).map { Double($0) }
      let largest = logits.max()!
      return logits[symbol] - largest - log(logits.reduce(0) { $0 + exp($1 - largest) })
    }
    for score in scores {
      let wordEnd = score.wordEndLogProbability == nil ? 0 : logProbability(of: Int(SpecialByte.word))
      let own = logProbability(of: score.token)
      #expect(abs(score.logProbability - (wordEnd + own)) < 1e-9)
      #expect(abs((score.wordEndLogProbability ?? 0) - wordEnd) < 1e-9)
      #expect(score.alternatives.count == 3)
      #expect(
        score.alternatives.map(\.logProbability) == score.alternatives.map(\.logProbability).sorted(by: >))
    }
  }

  @Test(arguments: kinds) func aTurnThatEndsIsWhatGenerateWrites(kind: ModelKind) async throws {
    let model = try SampleModel(kind, endsTurns: true)
    let predictor = model.predictor(documents: 1)
    let turns = [DialogueMessage(.system, "Be brief. "), .init(.user, "What is größer")]
    let symbols = predictor.symbols(of: ChatTemplate.turns.prompt(turns))
    // The same for both kinds: tokens of text, and marks.
    let prompt =
      [0xF5] + model.tokens(Array("Be brief. ".utf8)) + [0xF8, 0xF6]
      + model.tokens(Array("What is größer".utf8)) + [0xF8, 0xF7]
    #expect(predictor.symbols(ofTokens: prompt) == symbols)
    var ended = 0
    for document in 0..<12 {
      var request = TextRequest(
        prompt: prompt, tokens: 200,
        sampler: try Sampler(temperature: 1, topP: 1, seed: 7, document: document))
      request.alternatives = 2
      let batch = RunningBatch(model.predictor(documents: 2), model.scorer())
      let answer = answer()
      batch.add(WritingChoice(request, index: 0, answer))
      finish(batch)
      let update = try await whole(answer)[0]
      let (text, end) = try aloneWithEnd(model, request, symbols)
      // Where the limit is near, characters that do not fit are not begun: the beginning is the same.
      let same = update.end == .limit ? max(0, update.text.count - 12) : update.text.count
      #expect(text.starts(with: update.text.prefix(same)) && (update.end == .limit || text == update.text))
      #expect(update.end == .limit || (update.end == .turnEnd) == (end == .turnEnd))
      guard update.end == .turnEnd else { continue }
      ended += 1
      #expect(update.scores.last?.token == 0xF8)
      #expect(update.scores.count == update.tokens + 1)
    }
    #expect(ended > 2)
  }

  private func aloneWithEnd(
    _ model: SampleModel, _ request: TextRequest, _ symbols: [Int]
  ) throws -> (text: [UInt8], end: TextGenerator.End) {
    let generator = TextGenerator(model.predictor(documents: 1))
    var (samplers, text) = ([request.sampler], [UInt8]())
    generator.read(symbols: [symbols])
    let ends = try generator.write(byteLimit: 2000, samplers: &samplers) { text += $1 }
    return (text, ends[0])
  }

  @Test func aStopStringEndsTheTextBeforeIt() async throws {
    let model = try model(.hierarchical)
    var found: (request: TextRequest, text: [UInt8])?
    for document in 0..<50 where found == nil {
      let request = try request(model, Array("a".utf8), document: document, tokens: 200)
      let text = try alone(model, request, bytes: 200)
      if text.count > 60 { found = (request, text) }
    }
    let (request, whole) = try #require(found)
    func character(from index: Int) -> Int { (index...).first { !UTF8.isContinuation(whole[$0]) }! }
    let stop = Array(whole[character(from: 40)..<character(from: character(from: 40) + 3)])
    let place = try #require(whole.firstRange(of: stop))
    var stopped = request
    (stopped.stops, stopped.alternatives) = ([stop], 0)
    let batch = RunningBatch(model.predictor(documents: 1), model.scorer())
    let answer = answer()
    batch.add(WritingChoice(stopped, index: 0, answer))
    finish(batch)
    let update = try await self.whole(answer)[0]
    #expect(update.text == Array(whole[..<place.lowerBound]))
    #expect(update.scores.count == update.text.count)
    #expect(update.end == .stop && update.tokens == place.upperBound)
  }

  @Test func anAbandonedTextMakesRoom() async throws {
    let model = try model(.hierarchical)
    let batch = RunningBatch(model.predictor(documents: 1), model.scorer())
    let (first, second) = (answer(), answer())
    let request = try request(model, Array("a ".utf8), document: 0, tokens: 1000)
    batch.add(WritingChoice(request, index: 0, first))
    let other = try self.request(model, Array("b ".utf8), document: 1, tokens: 20)
    batch.add(WritingChoice(other, index: 0, second))
    for _ in 0..<5 { batch.step() }
    #expect((batch.counts.running, batch.counts.waiting) == (1, 1))
    first.close()
    await #expect(throws: CancellationError.self) { try await first.next() }
    finish(batch)
    #expect(try await whole(second)[0].text == (try alone(model, other, bytes: 20)))
    #expect((batch.counts.running, batch.counts.waiting) == (0, 0))
  }

  @Test func whoWaitsForTheEndCanBeHurried() async throws {
    let model = try model(.hierarchical)
    let batch = RunningBatch(model.predictor(documents: 1), model.scorer())
    let answer = answer()
    let request = try request(model, Array("a ".utf8), document: 0, tokens: 30)
    batch.add(WritingChoice(request, index: 0, answer))
    for _ in 0..<8 { batch.step() }
    answer.hurry()
    let first = try #require(try await answer.next(waitingForEnd: true))
    #expect(first[0].end == nil && !first[0].text.isEmpty)
    // The next wait is one for the end again.
    finish(batch)
    let rest = try await whole(answer)[0]
    #expect(rest.end != nil)
    #expect(first[0].text + rest.text == (try alone(model, request, bytes: 30)))
  }

  @Test func nothingIsWrittenWhereNoTokensAreWanted() async throws {
    let model = try model(.hierarchical)
    let batch = RunningBatch(model.predictor(documents: 1), model.scorer())
    var request = try request(model, Array("To be".utf8), document: 0, tokens: 0)
    (request.alternatives, request.scoresPrompt) = (1, true)
    let answer = answer()
    batch.add(WritingChoice(request, index: 0, answer))
    finish(batch)
    let update = try await whole(answer)[0]
    #expect(update.promptScores.count == 5 && update.text.isEmpty && update.end == .limit)
  }

  /// A client that asks for one token counts on one.
  @Test(arguments: kinds) func oneTokenIsOneToken(kind: ModelKind) async throws {
    let model = try model(kind)
    for (document, prompt) in SampleModel.prompts(12).enumerated() {
      var request = try request(model, prompt, document: document, tokens: 1)
      request.alternatives = 1
      let batch = RunningBatch(model.predictor(documents: 1), model.scorer())
      let answer = answer()
      batch.add(WritingChoice(request, index: 0, answer))
      finish(batch)
      let update = try await whole(answer)[0]
      #expect(update.scores.count == 1)
    }
  }

  @Test func anErrorIsTheRequestsAlone() async throws {
    let model = try model(.hierarchical)
    let batch = RunningBatch(model.predictor(documents: 2), FailingScorer())
    let (broken, sound) = (answer(), answer())
    var request = try request(model, Array("a ".utf8), document: 0)
    batch.add(WritingChoice(request, index: 0, sound))
    request.scoresPrompt = true
    batch.add(WritingChoice(request, index: 0, broken))
    finish(batch)
    await #expect(throws: FailingScorer.Failure.self) { try await broken.next() }
    #expect(try await whole(sound)[0].end != nil)
  }
}

private final class FailingScorer: TextScorer {
  struct Failure: Error {}

  func score(document text: [UInt8]) throws -> TextTally { throw Failure() }
  func score(_ document: ShardDocument) throws -> TextTally { throw Failure() }
  func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore { throw Failure() }
  func scoring(of tokens: [Int], alternatives: Int) throws -> any TokenScoring { throw Failure() }
  func scoring(ofBytes text: [UInt8], alternatives: Int) throws -> any TokenScoring { throw Failure() }
}
