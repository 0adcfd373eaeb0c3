import HATStorage

/// Where the next sequence of a mixed stream starts: the place in each corpus, and what each has given.
public struct MixtureCursor: Equatable, Sendable {
  public var streams: [StreamCursor]
  /// Target bytes of each corpus since the start; empty for a single corpus, which needs no count.
  public var targetBytes: [Int]
}

extension MixtureCursor: Codable {
  private enum CodingKeys: String, CodingKey {
    case streams
    case targetBytes = "target_bytes"
  }

  /// A single corpus has the cursor it always had.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    if fields.contains(.streams) {
      streams = try fields.decode([StreamCursor].self, forKey: .streams)
      targetBytes = try fields.decode([Int].self, forKey: .targetBytes)
    } else {
      (streams, targetBytes) = ([try StreamCursor(from: decoder)], [])
    }
  }

  public func encode(to encoder: any Encoder) throws {
    if streams.count == 1 { return try streams[0].encode(to: encoder) }
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(streams, forKey: .streams)
    try fields.encode(targetBytes, forKey: .targetBytes)
  }
}

/// The endless sequences of a mixture: each is drawn from one corpus, so that the shares hold at every moment.
public final class MixedStream {
  private let streams: [TrainingStream]
  private var schedule: MixtureSchedule

  /// - Parameters: as those of `TrainingStream`.
  /// - Throws: as `TrainingStream`.
  public init(
    _ mixture: Mixture, seed: UInt64, sequenceWords: Int, sequenceBytes: Int, cursor: MixtureCursor? = nil
  ) throws {
    let parts = mixture.parts
    if let cursor { try Self.require(cursor, fits: parts) }
    streams = try parts.indices.map { index in
      try TrainingStream(
        corpus: parts[index].corpus, seed: seed, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes,
        cursor: cursor?.streams[index])
    }
    schedule = MixtureSchedule(
      shares: parts.map(\.share), given: parts.count > 1 ? cursor?.targetBytes : nil)
  }

  /// Where the next sequence starts.
  public var cursor: MixtureCursor {
    MixtureCursor(streams: streams.map(\.cursor), targetBytes: streams.count > 1 ? schedule.given : [])
  }

  /// How many times each corpus has been gone through.
  public var epochs: [Double] { streams.map(\.epochs) }

  /// Appends the next sequence to a batch.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func appendSequence(to batch: inout Batch) throws {
    let next = schedule.next
    schedule.take(try streams[next].appendSequence(to: &batch), from: next)
  }

  /// Goes past the next sequence without building it: another rank has it.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func skipSequence() throws {
    let next = schedule.next
    schedule.take(try streams[next].skipSequence(), from: next)
  }

  /// Goes past the next sequence.
  /// - Returns: the documents it has pieces of.
  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func namesOfNextSequence() throws -> [DocumentName] {
    let next = schedule.next
    let (documents, targetBytes) = try streams[next].namesOfNextSequence()
    schedule.take(targetBytes, from: next)
    return documents
  }

  /// Given by a corpus: more than any run reads, and any batch may be added.
  private static let mostBytes = 1 << 62

  private static func require(_ cursor: MixtureCursor, fits parts: [Mixture.Part]) throws {
    let counts = parts.count > 1 ? parts.count : 0
    guard cursor.streams.count == parts.count, cursor.targetBytes.count == counts,
      cursor.targetBytes.allSatisfy({ 0...mostBytes ~= $0 })
    else {
      throw UserError(
        .invalidData, at: parts[0].corpus.folder.string, "the position to resume from is in another mixture",
        hint: "Resume with the corpora and weights the run was started with.")
    }
  }
}

/// The data of training steps: of each, the micro-batches that one rank computes.
///
/// Every rank walks the same sequences and builds its own, so that what a step sees does not depend on who
/// computes it.
public final class MicroBatchStream {
  public struct Step: Sendable {
    /// The owned ones, in order.
    public let microBatches: [Batch]
    /// Where the next step starts.
    public let cursor: MixtureCursor
    /// How many times each corpus has been gone through after this step.
    public let epochs: [Double]
  }

  private let stream: MixedStream
  private let microBatches: Int
  private let sequencesPerMicroBatch: Int
  private let owned: [Int]

  /// - Parameters:
  ///   - microBatches: of a step, all ranks together.
  ///   - owned: those to be built.
  public init(
    _ stream: MixedStream, microBatches: Int, sequencesPerMicroBatch: Int, owned: some Sequence<Int>
  ) {
    precondition(owned.allSatisfy((0..<microBatches).contains) && sequencesPerMicroBatch > 0)
    self.stream = stream
    self.microBatches = microBatches
    self.sequencesPerMicroBatch = sequencesPerMicroBatch
    self.owned = Array(owned)
  }

  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func nextStep() throws -> Step {
    var batches: [Batch] = []
    for index in 0..<microBatches {
      if owned.contains(index) {
        batches.append(try nextMicroBatch())
      } else {
        for _ in 0..<sequencesPerMicroBatch { try stream.skipSequence() }
      }
    }
    return Step(microBatches: batches, cursor: stream.cursor, epochs: stream.epochs)
  }

  private func nextMicroBatch() throws -> Batch {
    var batch = Batch()
    for _ in 0..<sequencesPerMicroBatch { try stream.appendSequence(to: &batch) }
    return batch
  }
}
