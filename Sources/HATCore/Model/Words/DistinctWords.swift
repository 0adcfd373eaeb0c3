import HATText

/// The distinct input words of a batch: equal words have equal embeddings, so each is encoded once (model.md §9).
final class DistinctWords {
  /// One batch word for each distinct word, in the order they first occur.
  let list: WordList
  /// [input words]: which distinct word each input word is.
  let ofInput: FixedList<Int32>
  /// Open addressing: distinct words by their hash, -1 where there is none. A power of two.
  private let table: FixedList<Int32>

  init(capacity: BatchCapacity, tileRows: Int) {
    list = WordList(words: capacity.words, wordBytes: capacity.wordBytes, tileRows: tileRows)
    ofInput = FixedList(capacity: capacity.words)
    var size = 16
    while size < 2 * capacity.words { size *= 2 }
    table = FixedList(capacity: size)
  }

  /// Finds the distinct input words of a batch and arranges them.
  func fill(from batch: borrowing Batch) {
    list.batchWords.removeAll()
    ofInput.removeAll()
    table.refill(count: table.capacity, with: -1)
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropLast() { ofInput.append(number(of: word, in: batch)) }
    }
    list.arrange(batch)
  }

  /// The number of the distinct word that batch word `word` is, a new one where it is the first.
  private func number(of word: Int, in batch: borrowing Batch) -> Int32 {
    let bytes = batch.byteRange(ofWord: word)
    return batch.bytes.withUnsafeBufferPointer { all in
      let mask = table.capacity - 1
      var slot = Self.hash(UnsafeBufferPointer(rebasing: all[bytes])) & mask
      while table.base[slot] >= 0 {
        let known = table.base[slot]
        let other = batch.byteRange(ofWord: Int(list.batchWords.base[Int(known)]))
        if all[other].elementsEqual(all[bytes]) { return known }
        slot = (slot + 1) & mask
      }
      table.base[slot] = Int32(list.count)
      list.batchWords.append(Int32(word))
      return table.base[slot]
    }
  }

  /// FNV-1a.
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}
