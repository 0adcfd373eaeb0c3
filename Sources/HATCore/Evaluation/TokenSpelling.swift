import HATText

/// The prediction for a token, byte by byte: at each step all tokens compete that begin with the bytes before it.
struct TokenSpelling {
  /// What may come at a step.
  private enum Step: Equatable {
    case byte(UInt8)
    /// The token ends, and is this one. The document mark ends before its first byte.
    case end(Int32)

    /// Tokens 0 … 255 are the bytes.
    var token: Int {
      switch self {
      case .byte(let byte): Int(byte)
      case .end(let token): Int(token)
      }
    }
  }

  private struct Choice {
    let step: Step
    /// Of the tokens that go on so.
    var mass: ProbabilityMass
  }

  /// Of its bytes.
  private(set) var bytes: [SymbolScore] = []
  /// That no longer token came.
  let end: SymbolScore

  /// Stands for the end of the token: a token of one byte is not to be taken for the byte.
  private static let endSymbol = -1

  /// - Parameters:
  ///   - text: of the token.
  ///   - logits: [V]
  ///   - logProbability: of the token, if the scores are to add up to this very number.
  ///   - alternatives: at each step, at most.
  init(
    _ token: Int32, _ text: some Sequence<UInt8>, _ beginnings: TokenBeginnings,
    _ logits: UnsafeBufferPointer<Float>, logProbability: Double?, alternatives: Int
  ) {
    let own = logits[Int(token)]
    var total = logProbability.map { Double(own) - $0 } ?? ProbabilityMass(logits).logarithm
    var (places, length) = (beginnings.places, 0)

    func score(_ symbol: Int, _ choice: Choice) -> SymbolScore {
      var order: ArraySlice<Choice> = []
      if alternatives > 0 {
        let others = Self.choices(places, at: length, beginnings, logits).filter { $0.step != choice.step }
        order = Self.likeliest([choice] + others).prefix(alternatives)
      }
      return SymbolScore(
        symbol, choice.mass.logarithm - total,
        order.map {
          .init($0.step == choice.step ? symbol : $0.step.token, $0.mass.logarithm - total)
        })
    }

    for byte in text {
      let rest = beginnings.places(places, where: byte, at: length)
      let mass = ProbabilityMass(beginnings[rest].lazy.map { logits[Int($0)] })
      bytes.append(score(Int(byte), Choice(step: .byte(byte), mass: mass)))
      (places, length, total) = (rest, length + 1, mass.logarithm)
    }
    end = score(Self.endSymbol, Choice(step: .end(token), mass: ProbabilityMass([own])))
  }

  /// All that may come behind the bytes that the tokens at some places have in common.
  private static func choices(
    _ places: Range<Int>, at offset: Int, _ beginnings: TokenBeginnings, _ logits: UnsafeBufferPointer<Float>
  ) -> [Choice] {
    var choices: [Choice] = []
    func add(_ step: Step, _ logit: Float) {
      if choices.last?.step != step { choices.append(Choice(step: step, mass: ProbabilityMass())) }
      choices[choices.count - 1].mass.add(logit)
    }
    if offset == 0 {
      add(.end(SubwordVocabulary.documentMark), logits[Int(SubwordVocabulary.documentMark)])
    }
    for (place, token) in zip(places, beginnings[places]) {
      add(beginnings.byte(offset, at: place).map(Step.byte) ?? .end(token), logits[Int(token)])
    }
    return choices
  }

  /// The one that greedy decoding takes, which has the likeliest token, and those that are less likely than it, in their order.
  ///
  /// A choice may be more likely by many tokens, none of which is the likeliest. It is left out: a choice's first alternative is to be
  /// the one with the highest figure.
  private static func likeliest(_ choices: [Choice]) -> [Choice] {
    // Of equal ones the first, which is the text's own.
    let greedy = choices.dropFirst().reduce(choices[0]) { $1.mass.largest > $0.mass.largest ? $1 : $0 }
    let others = choices.filter { $0.step != greedy.step && $0.mass.logarithm <= greedy.mass.logarithm }
    return [greedy] + others.sorted { $0.mass.logarithm > $1.mass.logarithm }
  }
}
