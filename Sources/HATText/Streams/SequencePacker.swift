import HATStorage

/// Packs documents into sequences (docs/model.md §3).
///
/// A sequence has at most `words` target words and `bytes` target bytes, `[S]` counting as one of each. A document
/// that does not fit is cut between words; its next piece opens with the word the last one ended with, so that every
/// word, and `[S]`, is a target exactly once.
///
/// A dialogue that does not fit what is left of a sequence begins the next one, so that its answers keep their questions. One that
/// is longer than a sequence is cut like text, and pieces in which nothing counts are passed over. A pair is never cut.
struct SequencePacker {
  /// The most targets of a sequence.
  let size: SequenceSize

  /// How much of the current document has been packed.
  struct Position {
    /// Target words, of the document's words + 1.
    var word = 0
    /// Where that word starts in the document.
    var byte = 0
  }

  /// - Throws: `UserError` of kind `configuration` when a word may not fit a sequence.
  init(words: Int, bytes: Int, splitter: WordSplitter) throws {
    guard words >= 1 else {
      throw UserError(
        .configuration, at: "sequence_words", "a sequence of \(words) words is too short",
        hint: "Use at least 1.")
    }
    try splitter.requireRoom(
      inSequenceOf: bytes, otherwise: ", or preprocess with a smaller `maximumWordBytes`")
    size = SequenceSize(words: words, bytes: bytes)
  }

  /// For documents of a corpus.
  /// - Throws: `UserError` of kind `configuration` when a word, or a pair, may not fit a sequence.
  init(words: Int, bytes: Int, corpus: Corpus) throws {
    try self.init(words: words, bytes: bytes, splitter: corpus.splitter)
    if let longest = corpus.manifest.longestPair {
      try requireRoom(for: longest, longest: "the longest pair", at: corpus.folder.string)
    }
  }

  /// - Throws: `UserError` of kind `configuration` when a pair, which is never cut, does not fit a sequence.
  func requireRoom(for pair: SequenceSize, longest name: String, at place: String) throws {
    guard !pair.fits(size) else { return }
    throw UserError(
      .configuration, at: place,
      "\(name) has \(pair.words) words and \(pair.bytes) bytes, and a sequence has room for \(size.words) and \(size.bytes)",
      hint: "A pair is not cut: set sequence_words to at least \(pair.words) and sequence_bytes to at least "
        + "\(pair.bytes), or preprocess with a smaller `maximumBytes`.")
  }

  /// Takes one sequence from `supply` and hands its pieces to `visit`, in order.
  /// - Returns: its target bytes; 0 when the supply had nothing left.
  /// - Throws: what `supply` throws; `UserError` of kind `invalidData` for a pair that is longer than its corpus says.
  func takeSequence(
    from supply: inout some DocumentSupply, at position: inout Position, visit: (Piece) -> Void
  ) throws -> Int {
    var room = size
    while room.words > 0, let view = try supply.current() {
      if view.kind != .text && position.word == 0 && !view.size.fits(room) {
        if room != size { break }
        if view.kind == .preferences { throw Self.longPair(view) }
      }
      let piece = Piece(view, from: position, words: room.words, bytes: room.bytes)
      if piece.targets.isEmpty { break }
      let isWanted = piece.hasCounted
      if isWanted {
        visit(piece)
        room.words -= piece.targets.count
        room.bytes -= piece.targetBytes
      }
      position = Position(word: piece.targets.upperBound, byte: piece.endByte)
      if position.word > view.wordCount {
        try supply.advance()
        position = Position()
      } else if isWanted {
        break
      }
    }
    return size.bytes - room.bytes
  }

  private static func longPair(_ view: DocumentView) -> UserError {
    UserError(
      .invalidData, at: "pair \(view.pair!)", "it is longer than the longest that its corpus names",
      hint: CorpusManifest.repair)
  }
}

extension WordSplitter {
  /// - Parameter otherwise: what else than a longer sequence would help, as the end of a sentence.
  /// - Throws: `UserError` of kind `configuration` when a word may not fit a sequence of `bytes` bytes.
  package func requireRoom(inSequenceOf bytes: Int, otherwise: String = "") throws {
    guard bytes < maximumWordBytes else { return }
    throw UserError(
      .configuration, at: "sequence_bytes",
      "a sequence of \(bytes) bytes cannot hold a word of \(maximumWordBytes), the limit of the data",
      hint: "Raise sequence_bytes to at least \(maximumWordBytes)\(otherwise).")
  }
}

/// How much of a sequence something takes.
public struct SequenceSize: Sendable, Equatable, Codable {
  /// Target words, `[S]` included.
  public var words: Int
  /// Target bytes, one for each `[S]` included.
  public var bytes: Int

  func fits(_ room: SequenceSize) -> Bool { words <= room.words && bytes <= room.bytes }

  /// As large as either in both.
  static func larger(_ one: Self?, _ other: Self?) -> Self? {
    guard let one, let other else { return one ?? other }
    return SequenceSize(words: max(one.words, other.words), bytes: max(one.bytes, other.bytes))
  }
}

extension SequenceSize {
  /// Of a pair of dialogues: with the closing `[S]`, which shards do not have, unlike the one between the dialogues.
  init(ofPairWithWords words: Int, bytes: Int) { self.init(words: words + 1, bytes: bytes + 1) }
}
