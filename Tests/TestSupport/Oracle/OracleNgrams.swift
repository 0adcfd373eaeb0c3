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
    let hash = ngram.reversed().reduce(UInt64(0)) { hash, symbol in
      let symbol = foldsCase && (65...90).contains(symbol) ? symbol + 32 : symbol
      let product = (hash + UInt64(symbol) + 1).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15).low
      return product ^ (product / 0x1_0000_0000)
    }
    return Int((hash / 0x1_0000_0000).multipliedFullWidth(by: UInt64(rows)).low / 0x1_0000_0000)
  }
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
