import HATKernels
import HATText
import TestSupport
import Testing

@testable import HATCore

@Suite struct NgramTests {
  /// What docs/model.md §4 gives to check an implementation against.
  @Test(arguments: [("th", 885), ("he", 5254), ("the", 4340), ("then", 15_573), ("The", 4340), ("THE", 4340)])
  func rowsAreThoseOfTheSpecification(text: String, row: Int) {
    let ngram = Array(text.utf8)
    #expect(OracleNgrams(longest: 4, rows: 16_384, foldsCase: true).row(of: ngram.map(Int.init)) == row)
    var rows: [Int: Int] = [:]
    tables(longest: 4, rows: 16_384).forEachRow(endingAt: ngram.count - 1, of: ngram) { rows[$0] = $1 }
    #expect(rows.count == ngram.count - 1)
    #expect(rows[ngram.count - 2] == row)
  }

  private func tables(longest: Int, rows: Int, foldsCase: Bool = true) -> NgramTables {
    var builder = TensorTableBuilder(ModelConfiguration())
    return builder.ngramTables(
      "ngrams", longest: longest, rows: rows, columns: 4, foldsCase: foldsCase, unit: .front)
  }

  /// Any number of rows is used evenly, as if n-grams were drawn from a hat.
  @Test(arguments: [1, 11, 1000, 16_384], [2, 3])
  func rowsAreEvenlyUsed(rows: Int, order: Int) {
    var (words, counts) = (BatchGenerator(seed: 3), [Int](repeating: 0, count: rows))
    var seen: Set<[UInt8]> = []
    let tables = tables(longest: order, rows: rows, foldsCase: false)
    while seen.count < 600 {
      let ngram = words.word(ofLength: order)
      guard seen.insert(ngram).inserted else { continue }
      tables.forEachRow(endingAt: order - 1, of: ngram) { table, row in
        if table == order - 2 { counts[row] += 1 }
      }
    }
    // The expected Σ count², and six times its deviation on top.
    let expected = 600 + 600.0 * 599 / Double(rows)
    let limit = expected + 6 * (2 * 600.0 * 600 / Double(rows)).squareRoot()
    #expect(Double(counts.reduce(0) { $0 + $1 * $1 }) <= limit)
  }

  /// Of "Da", behind "The " and alone, in 1 000 rows; capitals count as small letters.
  @Test(arguments: ["Da", "DA", "da"]) func rowsOfPrefixes(word: String) {
    var builder = TensorTableBuilder(ModelConfiguration())
    let tables = PrefixTables(
      places: builder.hashedTables("prefixes", orders: 1..<3, rows: 1_000, columns: 4, unit: .back))
    let oracle = OraclePrefixes(longest: 2, rows: 1_000)
    let (bytes, previous) = (Array(word.utf8), Array("The ".utf8))
    let prefixes = [[], [0x64], [0x64, 0x61]]
    let expected: [[Int?]] = [
      [nil] + prefixes.dropFirst().map { oracle.row(of: $0, behind: nil) },
      prefixes.map { oracle.row(of: $0, behind: Array("the ".utf8).map(Int.init)) },
    ]
    for table in 0..<2 {
      var rows: [Int?] = []
      tables.forEachPrefix(of: bytes, behind: previous, table: table) { rows.append($0) }
      #expect(rows == expected[table])
      #expect(Set(rows).count == 3)
    }
  }

  @Test func tablesAddParametersAndNoFLOPs() {
    let plain = ModelConfiguration()
    var model = plain
    (model.byteNgrams, model.byteNgramRows) = (4, 100)
    (model.prefixNgrams, model.prefixNgramRows) = (2, 30)
    let batch = Batch.document([Array("spelling ".utf8), Array("bee".utf8)])
    #expect(ModelCost(model).forward(batch) == ModelCost(plain).forward(batch))
    func counts(_ model: ModelConfiguration) -> [String: Int] {
      Dictionary(
        uniqueKeysWithValues: ModuleParameters.all(of: TensorTable(model)).map { ($0.name, $0.count) })
    }
    let (before, after) = (counts(plain), counts(model))
    #expect(after["encoder"]! - before["encoder"]! == 3 * 100 * plain.byteWidth)
    #expect(after["decoder"]! - before["decoder"]! == (3 * 100 + 2 * 30) * plain.byteWidth)
    #expect(after["backbone"] == before["backbone"])
  }

  @Test func tablesStartAtZeroAndDoNotDecay() {
    var model = ModelConfiguration()
    (model.byteNgrams, model.byteNgramRows) = (3, 10)
    (model.prefixNgrams, model.prefixNgramRows) = (2, 10)
    let table = TensorTable(model)
    let parameters = FloatBuffer(zeroed: table.count)
    parameters.base.update(repeating: 7, count: table.count)
    ParameterInitializer(table, seed: 1).fill(FlatSlice(parameters))
    let tensors = table.tensors.filter { $0.role == .ngramTable }
    #expect(
      tensors.map(\.name)
        == ["encoder", "decoder"].flatMap { module in
          [2, 3].map { "\(module).byte_ngrams.\($0).weight" }
        } + [1, 2].map { "decoder.prefix_ngrams.\($0).weight" })
    for tensor in tensors {
      #expect(!tensor.role.decays)
      #expect(parameters.elements[tensor.range].allSatisfy { $0 == 0 })
    }
  }
}
