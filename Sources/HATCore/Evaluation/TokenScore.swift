import Foundation

/// What a model gave for a token of a text: a byte, or a token of its vocabulary.
public struct TokenScore: Sendable, Equatable {
  /// What might have come in its place.
  public struct Alternative: Sendable, Equatable {
    /// A token, or a mark.
    public var token: Int
    /// The logarithm of its probability.
    public var logProbability: Double

    public init(_ token: Int, _ logProbability: Double) {
      (self.token, self.logProbability) = (token, logProbability)
    }
  }

  public var token: Int
  /// The logarithm of the probability of the token, together with the end of the word before it, where one ends there.
  public var logProbability: Double
  /// The part of it that is the word's end; nil where no word ends, and for models without words.
  public var wordEndLogProbability: Double?
  /// The most likely symbols, the likeliest first, at the step that decides whether greedy decoding writes the token: the end of the word
  /// before, where greedy decoding would go on with that word, else the token itself. The first has the token's own logarithm exactly if
  /// greedy decoding writes the token.
  public var alternatives: [Alternative]
}

/// What a model gave for one symbol: a token or a mark.
struct SymbolScore {
  var symbol: Int
  var logProbability: Double
  var alternatives: [TokenScore.Alternative]

  var isGreedy: Bool { alternatives.first?.token == symbol }

  init(_ symbol: Int, _ logProbability: Double, _ alternatives: [TokenScore.Alternative]) {
    (self.symbol, self.logProbability, self.alternatives) = (symbol, logProbability, alternatives)
  }

  /// - Parameters:
  ///   - logits: [V]
  ///   - logProbability: of the symbol, if it is known.
  ///   - count: of alternatives.
  init(
    _ symbol: Int, _ logits: UnsafeBufferPointer<Float>, logProbability: Double? = nil,
    alternatives count: Int
  ) {
    let logProbability = logProbability ?? Self.logProbability(of: symbol, logits)
    let own = Double(logits[symbol])
    self.init(
      symbol, logProbability,
      Self.largest(count, of: logits).map { .init($0, logProbability + (Double(logits[$0]) - own)) })
  }

  private static func logProbability(of symbol: Int, _ logits: UnsafeBufferPointer<Float>) -> Double {
    let largest = Double(logits.max()!)
    return Double(logits[symbol]) - largest - log(logits.reduce(0) { $0 + exp(Double($1) - largest) })
  }

  /// Their indices; of equal ones the lowest index counts more.
  private static func largest(_ count: Int, of logits: UnsafeBufferPointer<Float>) -> [Int] {
    var found: [Int] = []
    guard count > 0 else { return found }
    for symbol in logits.indices {
      if found.count == count, logits[symbol] <= logits[found.last!] { continue }
      if found.count == count { found.removeLast() }
      let place = found.firstIndex { logits[$0] < logits[symbol] } ?? found.count
      found.insert(symbol, at: place)
    }
    return found
  }
}

/// Puts tokens together with the marks before them.
package struct TokenScoreBuilder {
  private var mark: SymbolScore?

  package init() {}

  mutating func add(mark: SymbolScore) { self.mark = mark }

  mutating func score(of token: SymbolScore) -> TokenScore {
    defer { mark = nil }
    guard let mark else {
      return TokenScore(
        token: token.symbol, logProbability: token.logProbability, alternatives: token.alternatives)
    }
    return TokenScore(
      token: token.symbol, logProbability: token.logProbability + mark.logProbability,
      wordEndLogProbability: mark.logProbability,
      alternatives: mark.isGreedy
        ? token.alternatives.map { .init($0.token, $0.logProbability + mark.logProbability) }
        : mark.alternatives)
  }

  /// Takes a symbol that was drawn from a prediction.
  /// - Parameters:
  ///   - isMark: whether it stands within a document and has no text.
  ///   - logits: [V]
  ///   - alternatives: at most so many.
  /// - Returns: nil for a mark.
  package mutating func take(
    _ symbol: Int, isMark: Bool, _ logits: UnsafeBufferPointer<Float>, alternatives: Int
  ) -> TokenScore? {
    let score = SymbolScore(symbol, logits, alternatives: alternatives)
    guard isMark else { return self.score(of: score) }
    add(mark: score)
    return nil
  }
}

/// The scores of a text's tokens, part by part.
public protocol TokenScoring {
  /// The scores of the next tokens, as many as one sequence of the model has room for.
  /// - Returns: nil at the end.
  /// - Throws: `UserError` of kind `invalidData` where predictions are not finite.
  mutating func next() throws -> [TokenScore]?
}
