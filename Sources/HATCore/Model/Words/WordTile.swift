import HATKernels
import HATText

/// The rows of one tile of words; each tile refills it.
final class WordTile {
  /// Rows of a module's table that stand for bytes.
  static let byteRows = 256

  /// [words + 1]: where each word's rows start.
  let offsets: FixedList<Int32>
  /// [rows]: the row of the module's table. Most are bytes. A word's first row is `[W]` in the encoder; in the decoder it
  /// is the word's own row, after those of the bytes.
  let symbols: FixedList<Int32>
  /// [rows]: the n-grams of a word's bytes, and its prefixes.
  private let ngrams: NgramRows
  /// [rows]: what each row of a decoder's tile predicts.
  let targets: FixedList<Int32>
  /// [rows]: nats, and whether the arg-max was right.
  let losses: FixedList<Float>
  let correct: FixedList<Bool>

  init(rows: Int, ngrams: NgramRows) {
    self.ngrams = ngrams
    offsets = FixedList(capacity: rows + 1)
    symbols = FixedList(capacity: rows)
    targets = FixedList(capacity: rows)
    losses = FixedList(capacity: rows)
    correct = FixedList(capacity: rows)
  }

  var words: Int { offsets.count - 1 }
  var rows: Int { symbols.count }
  var segments: Segments { Segments(offsets: offsets.base, count: words) }

  /// The rows as those of a table.
  func rows(of table: RowTable) -> TileRows {
    TileRows(table: table, indices: symbols.base, ngrams: ngrams, segments: segments, count: rows)
  }

  func rows(ofWord word: Int) -> Range<Int> { Int(offsets.base[word])..<Int(offsets.base[word + 1]) }

  /// Lays out words the encoder reads: `[W]`, then their bytes.
  func fillInputs(_ words: UnsafeBufferPointer<Int32>, of list: WordList, from batch: borrowing Batch) {
    removeAll()
    for word in words {
      let batchWord = Int(list.batchWords.base[Int(word)])
      appendSymbols(batch.byteRange(ofWord: batchWord), opening: Int32(SpecialByte.word), of: batch)
      offsets.append(Int32(symbols.count))
    }
  }

  /// Lays out words the decoder spells: each position predicts the byte after it, the last one `[W]`.
  func fillTargets(
    _ words: UnsafeBufferPointer<Int32>, of list: TargetWords, from batch: borrowing Batch
  ) {
    removeAll()
    for word in words {
      let opening = Int32(Self.byteRows) + list.predictiveRows.base[Int(word)]
      let batchWord = Int(list.list.batchWords.base[Int(word)])
      let bytes = batch.byteRange(ofWord: batchWord)
      let previous = batch.byteRange(ofWord: batchWord - 1)
      // A mark is one position: that it ends is not predicted (docs/model.md §4).
      if batch.isMark(batchWord) {
        appendSymbols(bytes.prefix(0), opening: opening, behind: previous, of: batch)
        targets.append(Int32(batch.bytes[bytes.lowerBound]))
      } else {
        appendSymbols(bytes, opening: opening, behind: previous, of: batch)
        for index in bytes { targets.append(Int32(batch.bytes[index])) }
        targets.append(Int32(SpecialByte.word))
      }
      offsets.append(Int32(symbols.count))
    }
    losses.refill(count: rows, with: 0)
    correct.refill(count: rows, with: false)
  }

  private func removeAll() {
    symbols.removeAll()
    ngrams.removeAll()
    targets.removeAll()
    offsets.removeAll()
    offsets.append(0)
  }

  /// - Parameter previous: the word before.
  private func appendSymbols(
    _ bytes: Range<Int>, opening: Int32, behind previous: Range<Int> = 0..<0, of batch: borrowing Batch
  ) {
    let start = symbols.count
    symbols.append(repeating: opening, count: bytes.count + 1)
    for (place, index) in bytes.enumerated() { symbols.base[start + 1 + place] = Int32(batch.bytes[index]) }
    ngrams.append(word: batch.bytes[bytes], behind: batch.bytes[previous])
  }
}

/// The size of the tiles that the byte modules run over.
enum WordTiling {
  /// Rows whose activations stay near the core, with the weights.
  private static let rows = 256
  /// Rows where the weights do not stay: so many that reading them and their gradients for each tile costs little.
  private static let rowsOfLargeStack = 1024
  /// Bytes of weights that stay near the core: a second-level cache.
  private static let nearBytes = 2 << 20

  /// Rows of a tile, at most; the longest word fits.
  static func rows(_ model: ModelConfiguration, longestWord bytes: Int) -> Int {
    let weights = [model.encoder, model.decoder].map { $0.layers * $0.blockMatrixParameters }.max()!
    let areNear = weights * MemoryLayout<Float>.size <= nearBytes
    return max(areNear ? rows : rowsOfLargeStack, bytes + 1)
  }
}
