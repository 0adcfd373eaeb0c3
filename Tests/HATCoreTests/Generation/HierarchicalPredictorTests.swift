import HATCore
import HATText
import TestSupport
import Testing

@Suite struct HierarchicalPredictorTests {
  private let witness = ModelWitness(.generationSample, seed: 11)

  private func predictor(
    documents: Int = 1, contextWords: Int = 256, embeddings: Int = 4096, threads: Int = 1
  ) throws -> HierarchicalPredictor {
    HierarchicalPredictor(
      witness.configuration, witness.weights, splitter: try WordSplitter(.whitespace),
      documents: documents, contextWords: contextWords, embeddings: embeddings, threads: threads)
  }

  /// Words with the marks behind them.
  private func symbols(_ words: [[UInt8]]) -> [Int] {
    words.flatMap { $0.map(Int.init) + [Int(SpecialByte.word)] }
  }

  /// The logits after each symbol, given one at a time.
  private func logits(of symbols: [Int], _ predictor: any SymbolPredictor, document: Int = 0) -> [[UInt32]] {
    predictor.start(document)
    return symbols.map { symbol in
      predictor.append([symbol], to: document)
      while predictor.predict().isEmpty {}
      return bits(predictor, document)
    }
  }

  private func bits(_ predictor: any SymbolPredictor, _ document: Int = 0) -> [UInt32] {
    predictor.logits(of: document).map(\.bitPattern)
  }

  @Test func logitsEqualTheFullForwardPass() throws {
    var random = BatchGenerator(seed: 5)
    let words = random.words(30)
    let expected = witness.predictions(.document(words)).logits
    let predictor = try predictor()
    predictor.start(0)
    _ = predictor.predict()
    let first = bits(predictor)
    let actual = [first] + logits(of: symbols(words), predictor)
    #expect(actual.count == expected.count)
    for (row, wanted) in zip(actual, expected) {
      for (value, wantedValue) in zip(row, wanted) {
        #expect(abs(Float(bitPattern: value) - wantedValue) < 1e-4)
      }
    }
  }

  /// The same products in another order of the rest: as far apart as a factor of them that is rounded the other way.
  @Test func inBrainFloatLogitsAreThoseOfTheFullForwardPass() throws {
    let rounding = ModelWitness(.generationSample, seed: 11, by: .brainFloatByConversion)
    var random = BatchGenerator(seed: 5)
    let words = random.words(30)
    let (expected, exact) = (
      rounding.predictions(.document(words)).logits, witness.predictions(.document(words)).logits
    )
    let predictor = HierarchicalPredictor(
      witness.configuration, witness.weights, splitter: try WordSplitter(.whitespace), contextWords: 256,
      precision: .bf16)
    let actual = logits(of: symbols(words), predictor)
    func distance(_ rows: [[Float]]) -> Double {
      zip(actual, rows.dropFirst()).reduce(0) { sum, pair in
        zip(pair.0, pair.1).reduce(sum) { $0 + Double(abs(Float(bitPattern: $1.0) - $1.1)) }
      }
    }
    #expect(distance(expected) < 0.2 * distance(exact))
  }

  /// Portions of more rows than a call of the stack takes, too.
  @Test func symbolsMayComeInAnyPortions() throws {
    var random = BatchGenerator(seed: 6)
    let symbols = symbols(random.words(150))
    let one = try predictor()
    let alone = logits(of: symbols, one)
    for portions in [[symbols.count], [1, symbols.count - 1], [7, 100, symbols.count - 107]] {
      for documents in [1, 3] {
        let predictor = try predictor(documents: documents)
        predictor.start(documents - 1)
        var given = 0
        for portion in portions {
          predictor.append(Array(symbols[given..<given + portion]), to: documents - 1)
          given += portion
          #expect(predictor.predict() == [documents - 1])
          #expect(bits(predictor, documents - 1) == alone[given - 1])
        }
      }
    }
  }

  @Test(arguments: [2, 3, 10])
  func cachesChangeNoBit(contextWords: Int) throws {
    var random = BatchGenerator(seed: 7)
    let symbols = symbols(random.words(25))
    let cached = try predictor(contextWords: contextWords, embeddings: 4)
    let uncached = RereadingPredictor(try predictor(contextWords: contextWords, embeddings: 0))
    #expect(logits(of: symbols, cached) == logits(of: symbols, uncached))
    #expect(cached.flops < uncached.flops)
  }

  /// Wide enough that threads share the work.
  @Test func threadsChangeNoBit() throws {
    var model = ModelConfiguration()
    (model.width, model.headSize, model.keyValueHeads, model.layers) = (384, 64, 3, 1)
    let wide = ModelWitness(model, seed: 3)
    var random = BatchGenerator(seed: 8)
    let prompt = symbols(random.words(150))
    let results = try [1, 2, 3].map { threads in
      let predictor = HierarchicalPredictor(
        model, wide.weights, splitter: try WordSplitter(.whitespace), contextWords: 256,
        threads: threads)
      predictor.start(0)
      predictor.append(prompt, to: 0)
      _ = predictor.predict()
      return bits(predictor)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func wordsMetBeforeAreNotEncodedAgain() throws {
    let predictor = try predictor(embeddings: 4)
    func read(_ text: String) -> EmbeddingUsage {
      let before = predictor.embeddingUsage!
      predictor.start(0)
      predictor.append(predictor.symbols(of: Array(text.utf8)), to: 0)
      _ = predictor.predict()
      var usage = predictor.embeddingUsage!
      (usage.words, usage.encoded) = (usage.words - before.words, usage.encoded - before.encoded)
      return usage
    }
    // `[S]` is a word too; the last word is not complete.
    let first = read("a b a b a b c")
    #expect((first.words, first.encoded) == (7, 3))
    let second = read("a b c")
    #expect((second.words, second.encoded) == (3, 0))
    // Two new words: one more than there is room for. What was asked for lately stays.
    _ = read("a d a")
    _ = read("e a")
    let third = read("a d")
    #expect(third.words == 2 && third.encoded <= 1)
    #expect(third.hitRate >= 0.5)
  }
}

extension ModelConfiguration {
  /// Small, with grouped-query attention, n-grams and prefixes that share rows, and norms of queries and keys.
  static var generationSample: ModelConfiguration {
    var model = ModelConfiguration()
    (model.byteWidth, model.byteHeadSize, model.width, model.headSize) = (16, 8, 32, 8)
    (model.layers, model.keyValueHeads) = (2, 2)
    (model.byteNgrams, model.byteNgramRows) = (4, 20)
    (model.prefixNgrams, model.prefixNgramRows) = (2, 30)
    model.queryKeyNorm = true
    return model
  }
}
