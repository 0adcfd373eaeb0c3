import HATStorage

/// Packs documents into sequences (docs/model.md §3).
///
/// A sequence has at most `words` target words and `bytes` target bytes, `[S]` counting as one of each. A document
/// that does not fit is cut between words; its next piece opens with the word the last one ended with, so that every
/// word, and `[S]`, is a target exactly once.
struct SequencePacker {
  /// The most target words of a sequence.
  let words: Int
  /// The most target bytes of a sequence.
  let bytes: Int

  /// What is already a target of the document the supply is at.
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
    guard bytes >= splitter.maximumWordBytes else {
      throw UserError(
        .configuration, at: "sequence_bytes",
        "a sequence of \(bytes) bytes cannot hold a word of \(splitter.maximumWordBytes), the limit of the data",
        hint: "Raise sequence_bytes to at least \(splitter.maximumWordBytes), "
          + "or preprocess with a smaller `maximumWordBytes`.")
    }
    (self.words, self.bytes) = (words, bytes)
  }

  /// Takes one sequence from `supply` and hands its pieces to `visit`, in order.
  /// - Returns: its target bytes; 0 when the supply had nothing left.
  func takeSequence(
    from supply: inout some DocumentSupply, at position: inout Position, visit: (Piece) -> Void
  ) throws -> Int {
    var (wordsLeft, bytesLeft) = (words, bytes)
    while wordsLeft > 0, let view = try supply.current() {
      let piece = Piece(view, from: position, words: wordsLeft, bytes: bytesLeft)
      if piece.targets.isEmpty { break }
      visit(piece)
      wordsLeft -= piece.targets.count
      bytesLeft -= piece.targetBytes
      position = Position(word: piece.targets.upperBound, byte: piece.endByte)
      guard position.word > view.wordCount else { break }
      try supply.advance()
      position = Position()
    }
    return bytes - bytesLeft
  }
}

/// A run of target words of one document. Target `t` is word `t`, and `[S]` where `t` is the number of words.
struct Piece {
  let view: DocumentView
  let targets: Range<Int>
  /// Where the first target starts, and the last ends, in the document.
  let startByte: Int
  let endByte: Int

  /// As many targets as fit, from `position` on.
  init(_ view: DocumentView, from position: SequencePacker.Position, words: Int, bytes: Int) {
    self.view = view
    startByte = position.byte
    var (target, byte, bytesLeft) = (position.word, position.byte, bytes)
    let end = target + min(view.wordCount - target, words)
    while target < end {
      let length = view.wordLength(target)
      if length > bytesLeft { break }
      (target, byte, bytesLeft) = (target + 1, byte + length, bytesLeft - length)
    }
    let hasRoom = target - position.word < words && bytesLeft >= 1
    if target == view.wordCount && hasRoom { target += 1 }
    targets = position.word..<target
    endByte = byte
  }

  private var closesDocument: Bool { targets.upperBound > view.wordCount }

  var targetBytes: Int { endByte - startByte + (closesDocument ? 1 : 0) }

  /// Appends the piece: the word before its first target, or `[S]`, then its targets.
  func append(to batch: inout Batch) {
    view.frame.withText(view.document.text) { text in
      if targets.lowerBound == 0 {
        batch.appendDocumentMark()
      } else {
        let length = view.wordLength(targets.lowerBound - 1)
        batch.appendWord(text[startByte - length..<startByte])
      }
      var byte = startByte
      for word in targets.lowerBound..<min(targets.upperBound, view.wordCount) {
        let length = view.wordLength(word)
        batch.appendWord(text[byte..<byte + length])
        byte += length
      }
    }
    if closesDocument { batch.appendDocumentMark() }
    batch.endPiece()
  }
}

/// Documents that come one after the other, and can be looked at before they are taken.
protocol DocumentSupply {
  /// The document to be taken next, or nil after the last.
  mutating func current() throws -> DocumentView?
  /// Goes on to the one after it.
  mutating func advance() throws
}

/// A document in a frame, read in place.
struct DocumentView {
  let frame: Frame
  let document: Frame.Document

  init(_ frame: Frame, _ index: Int) {
    self.frame = frame
    document = frame.documents[index]
  }

  var wordCount: Int { document.words }

  /// In bytes.
  func wordLength(_ word: Int) -> Int { frame.wordLength(document.firstWord + word) }

  /// Where word `word` starts, in bytes from the start of the document.
  func offset(ofWord word: Int) -> Int {
    (0..<word).reduce(0) { $0 + wordLength($1) }
  }
}
