import HATStorage

/// Where the next sequence of a training stream starts. It names a place, not a history: a stream made with it goes
/// on at once.
public struct StreamCursor: Codable, Equatable, Hashable, Sendable {
  /// Counted from 0.
  public var epoch = 0
  /// Of the document order of that epoch.
  public var window = 0
  /// In the window.
  public var document = 0
  /// How many target words of the document have been given already.
  public var word = 0

  /// The start of the first epoch.
  public init() {}

  public init(epoch: Int, window: Int, document: Int, word: Int) {
    (self.epoch, self.window, self.document, self.word) = (epoch, window, document, word)
  }
}

/// The endless sequences that a run trains on: epoch after epoch, each in its own order, packed.
public final class TrainingStream {
  private let packer: SequencePacker
  private var supply: ShuffledSupply
  private var position = SequencePacker.Position()

  /// - Parameters:
  ///   - seed: of the order.
  ///   - sequenceWords: the most target words of a sequence, `[S]` included.
  ///   - sequenceBytes: the most target bytes of a sequence, one for each `[S]` included.
  ///   - cursor: where to go on; nil is the start.
  /// - Throws: `UserError`: `configuration` when a word, or a pair, may not fit a sequence; `invalidData` when the part has no
  ///   documents, a shard is damaged, or the cursor is not of this corpus.
  public init(
    corpus: Corpus, part: CorpusPart = .train, seed: UInt64, sequenceWords: Int, sequenceBytes: Int,
    cursor: StreamCursor? = nil
  ) throws {
    packer = try SequencePacker(words: sequenceWords, bytes: sequenceBytes, corpus: corpus)
    guard corpus.counts(part).documents > 0 else {
      throw UserError(
        .invalidData, at: corpus.folder.string, "its part \(part.rawValue) has no documents",
        hint: part == .train
          ? "Preprocess more text, or with a smaller `holdout`."
          : "Preprocess with a larger `holdout`.")
    }
    supply = ShuffledSupply(corpus.reader(part), seed: seed)
    if let cursor { try restore(cursor, of: corpus) }
  }

  /// Where the next sequence starts.
  public var cursor: StreamCursor {
    var cursor = supply.start
    cursor.word = position.word
    return cursor
  }

  /// Of an epoch; the last may be shorter.
  public var windowCount: Int { supply.windowCount }

  /// How many times the corpus has been gone through.
  public var epochs: Double { supply.epochs }

  /// The next sequence: pieces of one or more documents.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func nextSequence() throws -> Batch {
    var batch = Batch()
    try appendSequence(to: &batch)
    return batch
  }

  /// Appends the next sequence to a batch.
  /// - Returns: its target bytes.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  @discardableResult
  public func appendSequence(to batch: inout Batch) throws -> Int {
    try packer.takeSequence(from: &supply, at: &position) { $0.append(to: &batch) }
  }

  /// Goes past the next sequence without building it: another rank has it.
  /// - Returns: its target bytes.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  @discardableResult
  public func skipSequence() throws -> Int {
    try packer.takeSequence(from: &supply, at: &position) { _ in }
  }

  /// Goes past the next sequence.
  /// - Returns: the documents it has pieces of, and its target bytes.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func namesOfNextSequence() throws -> (documents: [DocumentName], targetBytes: Int) {
    var places: [DocumentPlace] = []
    let targetBytes = try packer.takeSequence(from: &supply, at: &position) { places.append($0.view.place) }
    return (try places.map(supply.name), targetBytes)
  }

  private func restore(_ cursor: StreamCursor, of corpus: Corpus) throws {
    guard try supply.move(to: cursor), let view = try supply.current(), 0...view.wordCount ~= cursor.word,
      cursor.word == 0 || view.kind != .preferences
    else {
      throw UserError(
        .invalidData, at: corpus.folder.string, "the position to resume from is not in this corpus",
        hint: "Resume with the corpus the run was started with.")
    }
    position = SequencePacker.Position(word: cursor.word, byte: view.offset(ofWord: cursor.word))
  }
}

/// The documents of a part in training order, without end.
private struct ShuffledSupply: DocumentSupply {
  private let reader: PartReader
  private let order: DocumentOrder
  /// Of the current document.
  private(set) var start = StreamCursor()
  /// Of the current window; empty before it is needed.
  private var places: [DocumentPlace] = []

  init(_ reader: PartReader, seed: UInt64) {
    self.reader = reader
    order = DocumentOrder(frameCount: reader.frameCount, seed: seed)
  }

  var windowCount: Int { order.windowCount }

  /// Counted by windows, and in a window by documents.
  var epochs: Double {
    let windows =
      Double(start.window) + (places.isEmpty ? 0 : Double(start.document) / Double(places.count))
    return Double(start.epoch) + windows / Double(order.windowCount)
  }

  private mutating func place() throws -> DocumentPlace {
    if places.isEmpty { try loadWindow() }
    return places[start.document]
  }

  mutating func current() throws -> DocumentView? {
    let place = try place()
    return try DocumentView(try reader.frame(place.frame), place) { try reader.number(of: place) }
  }

  func name(of place: DocumentPlace) throws -> DocumentName { try reader.name(of: place) }

  mutating func advance() throws {
    start.document += 1
    guard start.document == places.count else { return }
    start = StreamCursor(epoch: start.epoch, window: start.window + 1, document: 0, word: 0)
    if start.window == order.windowCount { (start.window, start.epoch) = (0, start.epoch + 1) }
    places = []
  }

  /// - Returns: whether there is such a place.
  mutating func move(to cursor: StreamCursor) throws -> Bool {
    // No run gets that far, and one that says so could not count on.
    guard 0...ShardFormat.largestCount ~= cursor.epoch, 0..<order.windowCount ~= cursor.window else {
      return false
    }
    start = cursor
    start.word = 0
    try loadWindow()
    return places.indices ~= cursor.document
  }

  private mutating func loadWindow() throws {
    places = try order.documents(ofWindow: start.window, epoch: start.epoch) {
      try reader.documentCount(ofFrame: $0)
    }
  }
}
