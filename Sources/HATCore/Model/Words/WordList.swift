import HATText

/// Words of a batch that a byte module visits, arranged in tiles: groups of some rows that stay in the second-level
/// cache while the whole module runs over them (docs/performance.md).
///
/// Words of equal length are neighbours. The numbers below count the list's own words.
final class WordList {
  /// [words]: which word of the batch each is.
  let batchWords: FixedList<Int32>
  /// [words]: the words from the shortest to the longest, equals in the order of the list.
  private let order: FixedList<Int32>
  /// [longest + 2]: where each length starts in `order`, while sorting.
  private let lengthStarts: FixedList<Int32>
  /// [tiles + 1]: where each tile starts in `order`.
  private let tileStarts: FixedList<Int32>
  private let tileRows: Int

  /// - Parameters:
  ///   - words: of a batch, at most.
  ///   - wordBytes: of a word, at most.
  ///   - tileRows: of a tile, at most; at least those of the longest word.
  init(words: Int, wordBytes: Int, tileRows: Int) {
    precondition(tileRows > wordBytes)
    batchWords = FixedList(capacity: words)
    order = FixedList(capacity: words)
    lengthStarts = FixedList(capacity: wordBytes + 2)
    tileStarts = FixedList(capacity: words + 1)
    self.tileRows = tileRows
  }

  var count: Int { batchWords.count }
  var tileCount: Int { tileStarts.count - 1 }

  /// The words of a tile, as numbers of this list.
  func tile(_ index: Int) -> UnsafeBufferPointer<Int32> {
    let (start, end) = (Int(tileStarts.base[index]), Int(tileStarts.base[index + 1]))
    return UnsafeBufferPointer(start: order.base + start, count: end - start)
  }

  /// Sorts and groups the words that `batchWords` now holds, each of one row more than it has bytes.
  func arrange(_ batch: borrowing Batch) {
    sortByLength(batch)
    tileStarts.removeAll()
    tileStarts.append(0)
    var rows = 0
    for place in 0..<count {
      let wordRows = length(of: Int(order.base[place]), batch) + 1
      if rows + wordRows > tileRows {
        tileStarts.append(Int32(place))
        rows = 0
      }
      rows += wordRows
    }
    if count > 0 { tileStarts.append(Int32(count)) }
  }

  private func sortByLength(_ batch: borrowing Batch) {
    lengthStarts.refill(count: lengthStarts.capacity, with: 0)
    for word in 0..<count { lengthStarts.base[length(of: word, batch) + 1] += 1 }
    for length in 1..<lengthStarts.count { lengthStarts.base[length] += lengthStarts.base[length - 1] }
    order.refill(count: count, with: 0)
    for word in 0..<count {
      let length = length(of: word, batch)
      order.base[Int(lengthStarts.base[length])] = Int32(word)
      lengthStarts.base[length] += 1
    }
  }

  private func length(of word: Int, _ batch: borrowing Batch) -> Int {
    batch.byteRange(ofWord: Int(batchWords.base[word])).count
  }
}

/// The distinct input words of a batch: equal words have equal embeddings, so each is encoded once (docs/model.md §9).
final class DistinctWords {
  /// One batch word for each distinct word, in the order they first occur.
  let list: WordList
  /// [input words]: which distinct word each input word is.
  let ofInput: FixedList<Int32>
  /// Open addressing: distinct words by their hash, -1 where there is none. A power of two.
  private let table: FixedList<Int32>

  init(capacity: BatchCapacity, tileRows: Int) {
    list = WordList(words: capacity.positions, wordBytes: capacity.wordBytes, tileRows: tileRows)
    ofInput = FixedList(capacity: capacity.positions)
    var size = 16
    while size < 2 * capacity.positions { size *= 2 }
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
