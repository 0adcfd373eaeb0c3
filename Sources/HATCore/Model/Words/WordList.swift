import HATText

/// Words of a batch that a byte module visits, arranged in tiles: groups of some rows that stay in the second-level
/// cache while the whole module runs over them (design: depth-first over words).
///
/// Words of equal length stand together. The numbers below count the list's own words.
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
