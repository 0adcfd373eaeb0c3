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
      let prediction = Prediction(places: places, offset: length, beginnings: beginnings, logits: logits)
      return SymbolScore(
        symbol, choice.mass.logarithm - total,
        prediction.likeliest(alternatives, own: choice).map {
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

  /// What may come behind the bytes that some tokens have in common.
  private struct Prediction {
    /// Of these tokens.
    let places: Range<Int>
    /// How many bytes they have in common.
    let offset: Int
    let beginnings: TokenBeginnings
    /// [V]
    let logits: UnsafeBufferPointer<Float>

    /// The choice that greedy decoding takes, which has the likeliest token, and those that are less likely than it, in their order.
    ///
    /// A choice may be more likely by many tokens, none of which is the likeliest. It is left out: the first is to be the one with the
    /// highest figure.
    /// - Parameter own: the text's.
    func likeliest(_ count: Int, own: Choice) -> [Choice] {
      guard count > 0 else { return [] }
      let greedy = greedy(own)
      guard count > 1 else { return [greedy] }
      let others = choices().filter {
        $0.step != greedy.step && $0.mass.logarithm <= greedy.mass.logarithm
      }
      return [greedy] + others.sorted { $0.mass.logarithm > $1.mass.logarithm }.prefix(count - 1)
    }

    /// Of equally likely ones the text's own.
    private func greedy(_ own: Choice) -> Choice {
      var best = beginnings[places].max { logits[Int($0)] < logits[Int($1)] }!
      if offset == 0, logits[Int(SubwordVocabulary.documentMark)] > logits[Int(best)] {
        best = SubwordVocabulary.documentMark
      }
      if logits[Int(best)] <= own.mass.largest { return own }
      let step = step(of: best)
      guard case .byte(let byte) = step else {
        return Choice(step: step, mass: ProbabilityMass([logits[Int(best)]]))
      }
      let tokens = beginnings[beginnings.places(places, where: byte, at: offset)]
      return Choice(step: step, mass: ProbabilityMass(tokens.lazy.map { logits[Int($0)] }))
    }

    private func choices() -> [Choice] {
      var choices: [Choice] = []
      for token in (offset == 0 ? [SubwordVocabulary.documentMark] : []) + beginnings[places] {
        let step = step(of: token)
        if choices.last?.step != step { choices.append(Choice(step: step, mass: ProbabilityMass())) }
        choices[choices.count - 1].mass.add(logits[Int(token)])
      }
      return choices
    }

    private func step(of token: Int32) -> Step {
      beginnings.byte(offset, of: token).map(Step.byte) ?? .end(token)
    }
  }
}
