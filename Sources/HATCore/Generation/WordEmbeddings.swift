import HATKernels
import HATText

/// Embeddings of words, with a cache: a word's embedding never changes (docs/model.md §9).
///
/// When the cache is full, a word that was not used lately makes room. Legend: N words of a call, `D` backbone width.
final class WordEmbeddings {
  /// Words kept, at most.
  let capacity: Int
  private(set) var usage = EmbeddingUsage()
  /// Floating-point operations done so far.
  private(set) var flops = 0.0
  private let embedder: WordEmbedder
  private let cost: ModelCost
  private let width: Int
  private var places: [[UInt8]: Int] = [:]
  /// [places]: the word of each.
  private var words: [[UInt8]] = []
  /// [places]: whether each was used since the hand passed it.
  private var wasUsed: [Bool] = []
  /// The next place that may have to make room, as in the clock algorithm of page replacement.
  private var hand = 0
  /// [capacity, D]; memory is taken as it fills.
  private let kept: FloatBuffer
  /// [words of a call, D]
  private let encoded: FloatBuffer

  init(_ model: ModelConfiguration, embedder: WordEmbedder, capacity: Int) {
    (self.embedder, self.capacity) = (embedder, capacity)
    cost = ModelCost(model)
    width = model.width
    kept = FloatBuffer(reserving: capacity * width)
    encoded = FloatBuffer(zeroed: WordEmbedder.callWords * width)
  }

  /// Floats that it takes when it is full.
  static func floats(
    _ model: ModelConfiguration, maxWordBytes: Int, capacity: Int, in precision: Precision
  ) -> Int {
    let tensors = HierarchicalTensors(model)
    let weights = tensors.encoder.blocks.flatMap(\.matrices) + [tensors.encoderOutput]
    return (capacity + WordEmbedder.callWords) * model.width + PackedWeights.floats(weights, in: precision)
      + WordEmbedder.Plan(model, maxWordBytes: maxWordBytes, kernels: ModelKernels()).arena.count
  }

  /// Writes the embeddings e of words to `rows` [N, D], N at most `WordEmbedder.callWords`.
  func embed(_ words: [[UInt8]], into rows: MatrixView) {
    usage.words += words.count
    var (missed, indices): ([[UInt8]], [[UInt8]: Int]) = ([], [:])
    // Rows to be filled, and the missed word of each.
    var open: [(row: Int, index: Int)] = []
    for (row, word) in words.enumerated() {
      if let place = places[word] {
        wasUsed[place] = true
        rows.row(row).update(from: kept.base + place * width, count: width)
        continue
      }
      let index = indices[word] ?? missed.count
      if index == missed.count {
        indices[word] = index
        missed.append(word)
      }
      open.append((row, index))
    }
    usage.encoded += missed.count
    encode(missed)
    for (row, index) in open { rows.row(row).update(from: encoded.base + index * width, count: width) }
  }

  private func encode(_ missed: [[UInt8]]) {
    guard !missed.isEmpty else { return }
    embedder.embed(missed, into: MatrixView(encoded.base, rows: missed.count, columns: width))
    for (index, word) in missed.enumerated() {
      flops += cost.encoding(wordOfBytes: Double(word.count))
      keep(word, encoded.base + index * width)
    }
  }

  private func keep(_ word: [UInt8], _ embedding: FloatPointer) {
    guard capacity > 0 else { return }
    let place = room()
    places[word] = place
    words[place] = word
    (kept.base + place * width).update(from: embedding, count: width)
  }

  /// A free place, or the place of a word that was not used since the hand last passed it.
  private func room() -> Int {
    if words.count < capacity {
      words.append([])
      wasUsed.append(false)
      return words.count - 1
    }
    while wasUsed[hand] {
      wasUsed[hand] = false
      hand = (hand + 1) % capacity
    }
    defer { hand = (hand + 1) % capacity }
    places[words[hand]] = nil
    return hand
  }
}

/// How often the cache of word embeddings had what was asked for.
public struct EmbeddingUsage: Sendable, Equatable {
  /// Embeddings asked for.
  public var words = 0
  /// How many of them the encoder had to compute.
  public var encoded = 0

  public init() {}

  /// In [0, 1]; 0 if none was asked for.
  public var hitRate: Double { words == 0 ? 0 : 1 - Double(encoded) / Double(words) }
}

/// The encoder for words outside of documents, some at a time.
final class WordEmbedder {
  /// Words of a call, at most.
  static let callWords = IncrementalStack.callRows

  /// Everything but memory.
  struct Plan {
    let encoder: WordEncoder
    let list: WordList
    let arena = Arena()

    init(_ model: ModelConfiguration, maxWordBytes: Int, kernels: ModelKernels) {
      let rows = WordTiling.rows(model, longestWord: maxWordBytes)
      let use = StackUse(
        shape: model.encoder, routine: .words, rows: rows, longestSegment: maxWordBytes + 1,
        givesLeadingRows: true)
      encoder = WordEncoder(
        HierarchicalTensors(model), words: WordEmbedder.callWords, use: use,
        scratch: StackScratch(for: [use], arena: arena, threads: kernels.pool.threads), arena: arena,
        kernels: kernels)
      list = WordList(words: WordEmbedder.callWords, wordBytes: maxWordBytes, tileRows: rows)
    }
  }

  private let encoder: WordEncoder
  private let list: WordList
  private let arena: Arena
  private let weights: ModelWeights

  /// - Parameter weights: must not change while this object lives.
  init(
    _ model: ModelConfiguration, _ weights: ModelWeights, maxWordBytes: Int,
    kernels: ModelKernels = ModelKernels(packsWeights: true)
  ) {
    self.weights = weights
    let plan = Plan(model, maxWordBytes: maxWordBytes, kernels: kernels)
    (encoder, list, arena) = (plan.encoder, plan.list, plan.arena)
    arena.allocate(reserving: true)
    encoder.prepare(weights.front)
  }

  /// Writes the embeddings e of words to `embeddings` [words, D]. A word's embedding has the same bits in any company.
  /// - Parameter words: at most `callWords`.
  func embed(_ words: some Collection<[UInt8]>, into embeddings: MatrixView) {
    var batch = Batch()
    list.batchWords.removeAll()
    for (index, word) in words.enumerated() {
      batch.appendWord(word)
      list.batchWords.append(Int32(index))
    }
    list.arrange(batch)
    encoder.forward(list, of: batch, into: embeddings, weights.front)
  }
}
