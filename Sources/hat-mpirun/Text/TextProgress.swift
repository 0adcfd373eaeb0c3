import HATText

/// Shows how far the reading of a corpus has come.
struct TextProgress {
  private let activity: String

  init(_ activity: String) {
    self.activity = activity
  }

  /// Calls `body` with the text of each document.
  func forEach(of corpus: Corpus, _ part: CorpusPart, _ body: ([UInt8]) throws -> Void) throws {
    let line = ProgressLine(activity, unit: .bytes)
    defer { line.clear() }
    var done = 0
    try corpus.forEachDocument(of: part) { document in
      try body(document.text)
      done += document.text.count
      line.update(done, of: corpus.counts(part).bytes)
    }
  }
}
