import HATStorage

/// Sequences that visit each document of a part, or one document, exactly once and in order, and then end.
///
/// Of preferences each pair comes with its number in the part (`Batch.pairs`).
public final class EvaluationStream {
  private let packer: SequencePacker
  private var supply: OrderedSupply
  private var position = SequencePacker.Position()

  /// All documents of a part of a corpus.
  /// - Throws: `UserError` of kind `configuration` when a word, or a pair, may not fit a sequence.
  public init(corpus: Corpus, part: CorpusPart, sequenceWords: Int, sequenceBytes: Int) throws {
    packer = try SequencePacker(words: sequenceWords, bytes: sequenceBytes, corpus: corpus)
    let reader = corpus.reader(part)
    supply = OrderedSupply(frameCount: reader.frameCount, frame: reader.frame)
  }

  /// One text as one document; an empty text has no sequences.
  /// - Throws: `UserError`: `configuration` when a word may not fit a sequence, `invalidData` for what is not UTF-8.
  public init(
    text: [UInt8], splitter: WordSplitter, sequenceWords: Int, sequenceBytes: Int
  ) throws {
    packer = try SequencePacker(words: sequenceWords, bytes: sequenceBytes, splitter: splitter)
    try TextValidation.requireValid(text, at: "text")
    supply = OrderedSupply(
      text.isEmpty
        ? nil
        : Frame(
          holding: ShardDocument(
            text: text, wordLengths: splitter.split(text).map { Int($0) }, metadata: DocumentMetadata(),
            checksum: Checksum(of: text)), splitter: splitter))
  }

  /// One document of a corpus, with the words that it was cut into and those of them that count. For text the sequences are those
  /// of its text.
  /// - Parameter splitter: what cut the corpus into words.
  /// - Throws: `UserError` of kind `configuration` when a word, or a pair, may not fit a sequence.
  public init(
    document: ShardDocument, splitter: WordSplitter, sequenceWords: Int, sequenceBytes: Int
  ) throws {
    packer = try SequencePacker(words: sequenceWords, bytes: sequenceBytes, splitter: splitter)
    if document.kind == .preferences {
      let size = SequenceSize(ofPairWithWords: document.wordLengths.count, bytes: document.text.count)
      try packer.requireRoom(for: size, longest: "the pair", at: "document")
    }
    supply = OrderedSupply(Frame(holding: document, splitter: splitter))
  }

  /// The next sequence, or nil at the end.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func nextSequence() throws -> Batch? {
    var batch = Batch()
    let taken = try packer.takeSequence(from: &supply, at: &position) { $0.append(to: &batch) }
    return taken > 0 ? batch : nil
  }
}

/// The documents of frames in their order.
private struct OrderedSupply: DocumentSupply {
  private let frameCount: Int
  private let frame: (Int) throws -> Frame
  private var place = DocumentPlace(frame: 0, document: 0)
  private var loaded: Frame?
  /// Documents before the current one.
  private var number = 0

  /// - Parameter frame: the only one; nil for no documents.
  init(_ frame: Frame?) {
    self.init(frameCount: frame == nil ? 0 : 1) { _ in frame! }
  }

  init(frameCount: Int, frame: @escaping (Int) throws -> Frame) {
    (self.frameCount, self.frame) = (frameCount, frame)
  }

  mutating func current() throws -> DocumentView? {
    guard place.frame < frameCount else { return nil }
    let frame = try loaded ?? frame(place.frame)
    loaded = frame
    return DocumentView(frame, place) { number }
  }

  mutating func advance() throws {
    number += 1
    place.document += 1
    if place.document == loaded!.documents.count {
      (place, loaded) = (DocumentPlace(frame: place.frame + 1, document: 0), nil)
    }
  }
}

extension Frame {
  /// The only document of a frame.
  fileprivate convenience init(holding document: ShardDocument, splitter: WordSplitter) {
    var builder = FrameBuilder(document.kind, wordLimit: splitter.maximumWordBytes)
    document.text.withUnsafeBufferPointer {
      builder.append(
        $0, checksum: Checksum(of: document.text), words: document.wordLengths.map { UInt32($0) },
        counted: document.counted, metadata: [])
    }
    do {
      try self.init(raw: builder.finish(), document.kind, wordLimit: splitter.maximumWordBytes)
    } catch {
      preconditionFailure("a frame just built can be read: \(error)")
    }
  }
}
