/// The hashed n-gram tables of docs/model.md §4: of orders 2 to `longest`, none if that is 0.
public struct OracleNgrams: Sendable, Hashable {
  public var longest: Int
  public var rows: Int
  /// Of the bytes of a word: whether a capital letter of ASCII has the n-grams of its small one.
  public var foldsCase: Bool

  public init(longest: Int = 0, rows: Int = 1, foldsCase: Bool = false) {
    (self.longest, self.rows, self.foldsCase) = (longest, rows, foldsCase)
  }

  public var orders: [Int] { longest < 2 ? [] : Array(2...longest) }

  /// Name and shape of a module's tables.
  public func tensors(_ name: String, width: Int) -> [(name: String, shape: [Int])] {
    orders.map { ("\(name).\($0).weight", [rows, width]) }
  }

  /// The table's row for an n-gram, whose last symbol is hashed first.
  public func row(of ngram: some Collection<Int>) -> Int {
    oracleRow(of: ngram.reversed().map { foldsCase ? oracleFolded($0) : $0 }, rows: rows)
  }
}

/// The decoder's hashed prefix tables of docs/model.md §4: 1 for prefixes alone, 2 also for those behind the word before; 0 for
/// none.
public struct OraclePrefixes: Sendable, Hashable {
  public var longest: Int
  public var rows: Int

  public init(longest: Int = 0, rows: Int = 1) {
    (self.longest, self.rows) = (longest, rows)
  }

  /// Name and shape of the tables.
  public func tensors(width: Int) -> [(name: String, shape: [Int])] {
    (0..<longest).map { ("decoder.prefix_ngrams.\($0 + 1).weight", [rows, width]) }
  }

  /// The row of a prefix, behind a word in the second table.
  public func row(of prefix: [Int], behind previous: [Int]?) -> Int {
    let before = previous.map { $0 + [255] } ?? []
    return oracleRow(of: (before + prefix).map(oracleFolded), rows: rows)
  }
}

private func oracleFolded(_ byte: Int) -> Int { (65...90).contains(byte) ? byte + 32 : byte }

/// The row of a sequence, hashed from its first symbol to its last.
private func oracleRow(of symbols: [Int], rows: Int) -> Int {
  let hash = symbols.reduce(UInt64(0)) { hash, symbol in
    let product = (hash + UInt64(symbol) + 1).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15).low
    return product ^ (product / 0x1_0000_0000)
  }
  return Int((hash / 0x1_0000_0000).multipliedFullWidth(by: UInt64(rows)).low / 0x1_0000_0000)
}

extension OraclePass {
  /// The rows of a word's or piece's symbols with those of the n-grams that end at each of them added.
  /// - Parameter name: what the names of the module's tables begin with.
  func addNgrams(
    _ ngrams: OracleNgrams, _ name: String, of symbols: [Int], to rows: OracleTensor
  ) -> OracleTensor {
    ngrams.orders.reduce(rows) { sum, order in
      guard symbols.count >= order else { return sum }
      let indices = (0...symbols.count - order).map { ngrams.row(of: symbols[$0..<$0 + order]) }
      let before = OracleTensor(
        rows: order - 1, columns: rows.columns, Array(repeating: 0, count: (order - 1) * rows.columns))
      let found = tape.gatherRows(parameter("\(name).\(order).weight"), indices)
      return tape.add(sum, tape.stackRows([before, found]))
    }
  }
}

extension OraclePass {
  /// The decoder's rows of a word, with those of its prefixes added: the first row's prefix is empty.
  /// - Parameter previous: the word before.
  func addPrefixes(of word: [Int], behind previous: [Int], to rows: OracleTensor) -> OracleTensor {
    let prefixes = (0..<rows.rows).map { Array(word.prefix($0)) }
    var sum = rows
    if shape.prefixes.longest > 0, rows.rows > 1 {
      let indices = prefixes.dropFirst().map { shape.prefixes.row(of: $0, behind: nil) }
      let nothing = OracleTensor(
        rows: 1, columns: rows.columns, Array(repeating: 0, count: rows.columns))
      let found = tape.gatherRows(parameter("decoder.prefix_ngrams.1.weight"), indices)
      sum = tape.add(sum, tape.stackRows([nothing, found]))
    }
    if shape.prefixes.longest > 1 {
      let indices = prefixes.map { shape.prefixes.row(of: $0, behind: previous) }
      sum = tape.add(sum, tape.gatherRows(parameter("decoder.prefix_ngrams.2.weight"), indices))
    }
    return sum
  }
}
