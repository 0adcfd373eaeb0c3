import HATKernels

/// Embeddings of words, those met before from a cache: a word's embedding never changes (model.md §9).
///
/// When it is full a word that was not asked for lately makes room. Legend: N words of a call, `D` backbone width.
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
  /// [places]: whether each was asked for since the hand came past it.
  private var wasUsed: [Bool] = []
  /// The next place that may have to make room: the hand of a clock.
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

  /// Writes the embeddings e of words to `rows` [N, D], N at most `WordEmbedder.callWords`.
  func embed(_ words: [[UInt8]], into rows: MatrixView) {
    usage.words += words.count
    var missing: [[UInt8]: Int] = [:]
    var missed: [[UInt8]] = []
    for (row, word) in words.enumerated() {
      if let place = places[word] {
        wasUsed[place] = true
        rows.row(row).update(from: kept.base + place * width, count: width)
      } else if missing.updateValue(missing[word] ?? missed.count, forKey: word) == nil {
        missed.append(word)
      }
    }
    usage.encoded += missed.count
    encode(missed)
    for (row, word) in words.enumerated() {
      guard let index = missing[word] else { continue }
      rows.row(row).update(from: encoded.base + index * width, count: width)
    }
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

  /// A free place, or that of a word that was not asked for since the hand came past it last.
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
  /// Of them those that the encoder had to work out.
  public var encoded = 0

  public init() {}

  /// In [0, 1]; 0 where none was asked for.
  public var hitRate: Double { words == 0 ? 0 : 1 - Double(encoded) / Double(words) }
}
