import HATText

/// The target words of a batch that count: those that the decoder spells.
final class TargetWords {
  let list: WordList
  /// [words of the list]: the row of h that predicts each, counted over all target words.
  let predictiveRows: FixedList<Int32>
  /// [words of the list]: the piece of each.
  let pieces: FixedList<Int32>

  init(capacity: BatchCapacity, tileRows: Int) {
    list = WordList(words: capacity.positions, wordBytes: capacity.wordBytes, tileRows: tileRows)
    predictiveRows = FixedList(capacity: capacity.positions)
    pieces = FixedList(capacity: capacity.positions)
  }

  private var hasPairs = false

  /// Whether a word of the list belongs to what is summed up: of preference pairs only the chosen answers do.
  func isInSum(_ word: Int32) -> Bool { !hasPairs || pieces.base[Int(word)] % 2 == 0 }

  /// Finds the words and arranges them in tiles.
  func fill(from batch: borrowing Batch) {
    list.batchWords.removeAll()
    predictiveRows.removeAll()
    pieces.removeAll()
    hasPairs = !batch.pairs.isEmpty
    var row: Int32 = 0
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropFirst() {
        if batch.counts(word) {
          list.batchWords.append(Int32(word))
          predictiveRows.append(row)
          pieces.append(Int32(piece))
        }
        row += 1
      }
    }
    list.arrange(batch)
  }
}
