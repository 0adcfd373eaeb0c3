import HATText
import TestSupport
import Testing

/// The judge judged: its gradients against slopes found by evaluation alone.
@Suite("Oracle")
struct OracleTests {
  static let shapes: [OracleShape] = [
    OracleShape(
      byteWidth: 8, byteHeadSize: 4, encoderLayers: 2, decoderLayers: 1, width: 16, headSize: 4, layers: 2,
      keyValueHeads: 2, byteHidden: 12, hidden: 20),
    OracleShape(
      byteWidth: 6, byteHeadSize: 6, encoderLayers: 1, decoderLayers: 2, width: 12, headSize: 6, layers: 1,
      keyValueHeads: 1, byteHidden: 10, hidden: 8, ropeTheta: 100,
      ngrams: OracleNgrams(longest: 3, rows: 7), prefixes: OraclePrefixes(longest: 2, rows: 9)),
    OracleShape(
      byteWidth: 8, byteHeadSize: 4, encoderLayers: 1, decoderLayers: 1, width: 16, headSize: 4, layers: 2,
      keyValueHeads: 2, byteHidden: 8, hidden: 12, queryKeyNorm: true),
  ]

  @Test("Every gradient is the slope of the loss", arguments: shapes)
  func gradientsAreSlopes(shape: OracleShape) {
    var batches = BatchGenerator(seed: 11)
    let batch = batches.batch(words: 9, longWord: 12)
    let parameters = OracleParameters.random(shape, seed: 12)
    let gradients = OracleModel(shape: shape, parameters: parameters).run(batch).gradients
    var generator = OracleGenerator(seed: 13)
    for (name, dimensions) in shape.tensors {
      let direction = (0..<dimensions.reduce(1, *)).map { _ in generator.normal() }
      let slope = CentralDifference.slope(step: 1e-3) { distance in
        let moved = parameters.moved(name, along: direction, by: distance)
        return OracleModel(shape: shape, parameters: moved).run(batch).lossSum
      }
      let product = zip(gradients[name]!, direction).reduce(0) { $0 + $1.0 * $1.1 }
      let size = zip(gradients[name]!, direction).reduce(0) { $0 + abs($1.0 * $1.1) }
      #expect(abs(slope - product) <= 1e-6 * size, "\(name): slope \(slope), gradient \(product)")
    }
  }

  @Test("A uniform head costs ln 256 a position")
  func uniformHead() {
    let shape = Self.shapes[0]
    var parameters = OracleParameters.random(shape, seed: 1)
    parameters.tensors["decoder.head.weight"]!.values = [Double](repeating: 0, count: 256 * shape.byteWidth)
    var batches = BatchGenerator(seed: 2)
    let batch = batches.batch()
    let result = OracleModel(shape: shape, parameters: parameters).run(batch)
    #expect(abs(result.lossSum / Double(result.targets.count) - 5.545177444479562) < 1e-12)
  }

  @Test("Targets are the bytes of the target words, closed by [W] or being [S]")
  func targets() {
    var batches = BatchGenerator(seed: 3)
    let batch = batches.batch()
    let result = OracleModel(shape: Self.shapes[0], parameters: .random(Self.shapes[0], seed: 1)).run(batch)
    var expected: [UInt8] = []
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropFirst() {
        expected += batch.bytes[batch.byteRange(ofWord: word)]
        if !batch.isDocumentMark(word) { expected.append(SpecialByte.word) }
      }
    }
    #expect(result.targets == expected)
    #expect(result.logits.count == 256 * expected.count)
    #expect(result.wordEmbeddings.count == batch.wordCount - batch.pieceCount)
  }

  @Test(
    "No gradient crosses a mask: later words, later bytes and other pieces get exactly zero", arguments: 0..<4
  )
  func masks(seed: UInt64) {
    let shape = Self.shapes[0]
    var batches = BatchGenerator(seed: 20 + seed)
    let batch = batches.batch(words: 12, longWord: 10)
    let model = OracleModel(shape: shape, parameters: .random(shape, seed: seed))
    for position in PositionMap(batch) where position.index % 5 == Int(seed) {
      let result = model.run(batch) { $0 == position.index ? 1 : 0 }
      for (input, gradient) in result.wordEmbeddingGradients.enumerated() {
        let word = position.inputWords[input]
        let reaches = position.piece.contains(word) && word < position.word
        #expect(gradient.contains { $0 != 0 } == reaches, "input word \(word), target word \(position.word)")
      }
      for (target, gradient) in result.decoderInputGradients.enumerated() {
        let word = position.targetWords[target]
        let seen = word == position.word ? (position.byte + 1) * shape.byteWidth : 0
        #expect(gradient[..<seen].allSatisfy { $0 != 0 } && gradient[seen...].allSatisfy { $0 == 0 })
      }
    }
  }
}
