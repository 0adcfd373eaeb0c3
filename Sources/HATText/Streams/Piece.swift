/// A run of target words of one document. Target `t` is word `t`, and `[S]` where `t` is the number of words.
///
/// Of a pair of dialogues it is the whole pair, and becomes two pieces of a batch.
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

  /// Whether any of its targets is part of the loss.
  var hasCounted: Bool { view.kind == .text || targets.contains(where: view.counts) }

  /// Appends the piece: the word before its first target, or `[S]`, then its targets.
  func append(to batch: inout Batch) {
    let marksCount = view.kind == .text
    view.frame.withText(view.document.text) { text in
      if targets.lowerBound == 0 {
        batch.appendDocumentMark(counts: marksCount)
      } else {
        let length = view.wordLength(targets.lowerBound - 1)
        batch.appendWord(text[startByte - length..<startByte], counts: marksCount)
      }
      var byte = startByte
      for word in targets.lowerBound..<min(targets.upperBound, view.wordCount) {
        let length = view.wordLength(word)
        batch.appendWord(text[byte..<byte + length], counts: view.counts(word))
        if length == 1 && text[byte] == SpecialByte.document {
          // Between the two dialogues of a pair: it closes one and opens the other.
          batch.endPiece()
          batch.appendDocumentMark(counts: false)
        }
        byte += length
      }
    }
    if closesDocument { batch.appendDocumentMark(counts: marksCount) }
    batch.endPiece()
    if let pair = view.pair {
      batch.pairs.append(PreferencePair(document: pair, checksum: view.document.checksum))
    }
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
  let place: DocumentPlace
  /// Of a pair of dialogues its number in its part of the corpus; nil for other documents.
  let pair: Int?

  /// - Parameter number: of the document in its part; asked for where it is a pair.
  init(_ frame: Frame, _ place: DocumentPlace, number: () throws -> Int) rethrows {
    (self.frame, self.place) = (frame, place)
    document = frame.documents[place.document]
    pair = frame.kind == .preferences ? try number() : nil
  }

  var kind: DocumentKind { frame.kind }

  var wordCount: Int { document.words }

  /// Of a pair.
  var size: SequenceSize { SequenceSize(ofPairWithWords: document.words, bytes: document.text.count) }

  /// In bytes.
  func wordLength(_ word: Int) -> Int { frame.wordLength(document.firstWord + word) }

  /// Whether a target is part of the loss.
  func counts(_ target: Int) -> Bool {
    target < wordCount ? frame.counts(document.firstWord + target) : kind == .text
  }

  /// Where word `word` starts, in bytes from the start of the document.
  func offset(ofWord word: Int) -> Int {
    (0..<word).reduce(0) { $0 + wordLength($1) }
  }
}
