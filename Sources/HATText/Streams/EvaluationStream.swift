import HATStorage

/// Sequences that visit each document of a part, or one text, exactly once and in order, and then end.
public final class EvaluationStream {
  private let packer: SequencePacker
  private var supply: OrderedSupply
  private var position = SequencePacker.Position()

  /// All documents of a part of a corpus.
  /// - Throws: `UserError` of kind `configuration` when a word may not fit a sequence.
  public init(corpus: Corpus, part: CorpusPart, sequenceWords: Int, sequenceBytes: Int) throws {
    packer = try SequencePacker(words: sequenceWords, bytes: sequenceBytes, splitter: corpus.splitter)
    let reader = corpus.reader(part)
    supply = OrderedSupply(frameCount: reader.frameCount, frame: reader.frame)
  }

  /// One text as one document; an empty text has no sequences.
  /// - Throws: `UserError`: `configuration` when a word may not fit a sequence, `invalidData` for what is not UTF-8.
  public init(
    text: [UInt8], splitter: WordSplitter, sequenceWords: Int, sequenceBytes: Int
  ) throws {
    packer = try SequencePacker(words: sequenceWords, bytes: sequenceBytes, splitter: splitter)
    let frame = try Frame.holding(text, splitter: splitter)
    supply = OrderedSupply(frameCount: frame == nil ? 0 : 1) { _ in frame! }
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

  init(frameCount: Int, frame: @escaping (Int) throws -> Frame) {
    (self.frameCount, self.frame) = (frameCount, frame)
  }

  mutating func current() throws -> DocumentView? {
    guard place.frame < frameCount else { return nil }
    let frame = try loaded ?? frame(place.frame)
    loaded = frame
    return DocumentView(frame, place.document)
  }

  mutating func advance() throws {
    place.document += 1
    if place.document == loaded!.documents.count {
      (place, loaded) = (DocumentPlace(frame: place.frame + 1, document: 0), nil)
    }
  }
}

extension Frame {
  /// A text as the only document of a frame; nil for an empty one.
  fileprivate static func holding(_ text: [UInt8], splitter: WordSplitter) throws -> Frame? {
    if text.isEmpty { return nil }
    try TextValidation.requireValid(text, at: "text")
    var builder = FrameBuilder(wordLimit: splitter.maximumWordBytes)
    text.withUnsafeBufferPointer {
      builder.append($0, checksum: Checksum(of: text), words: splitter.split(text), metadata: [])
    }
    do {
      return try Frame(raw: builder.finish(), wordLimit: splitter.maximumWordBytes)
    } catch {
      preconditionFailure("a frame just built can be read: \(error)")
    }
  }
}
