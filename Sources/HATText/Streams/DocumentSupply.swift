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
