import HATCore

/// One text to be written: a choice of a request.
public struct TextRequest: Sendable {
  /// The beginning of a document, as tokens. If marks of dialogues are among them, it is a turn, whose end ends the text.
  public var prompt: [Int]
  /// The bytes of the prompt, if they are scored in place of its tokens.
  public var promptBytes: [UInt8]?
  /// Tokens to write, at most; 0 writes none.
  public var tokens: Int
  public var sampler: Sampler
  /// Strings that end the text; they do not belong to it.
  public var stops: [[UInt8]] = []
  /// Whether the scores of what is written are wanted, with so many alternatives at most.
  public var alternatives: Int?
  /// Whether the prompt is to be scored too.
  public var scoresPrompt = false

  public init(prompt: [Int], tokens: Int, sampler: Sampler) {
    (self.prompt, self.tokens, self.sampler) = (prompt, tokens, sampler)
  }
}

/// What has come of a choice since the last update.
public struct TextUpdate: Sendable {
  /// Counted from 0.
  public var choice: Int
  /// Of the prompt, if they are wanted.
  public var promptScores: [TokenScore] = []
  /// Whole characters.
  public var text: [UInt8] = []
  /// Of the tokens that the text is made of, if they are wanted, and of the mark that ends it.
  public var scores: [TokenScore] = []
  /// How many tokens were written.
  public var tokens = 0
  /// Why it ended; nil while it goes on.
  public var end: TextEnd?

  init(choice: Int) { self.choice = choice }

  var isEmpty: Bool { promptScores.isEmpty && text.isEmpty && scores.isEmpty && tokens == 0 && end == nil }

  mutating func add(_ later: TextUpdate) {
    promptScores += later.promptScores
    text += later.text
    scores += later.scores
    tokens += later.tokens
    end = end ?? later.end
  }
}

/// Why a text ended.
public enum TextEnd: Sendable, Equatable {
  /// The model closed the document.
  case documentMark
  /// The model closed its turn of a dialogue.
  case turnEnd
  /// A stop string came.
  case stop
  /// It has as many tokens as it may have.
  case limit
}

/// Why a request is not taken.
public enum Refusal: Error, Sendable, Equatable {
  /// As many texts are being written, or wait, as may be.
  case full
  /// The server is stopping.
  case stopping
}
