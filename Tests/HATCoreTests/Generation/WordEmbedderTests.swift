import HATKernels
import TestSupport
import Testing

@testable import HATCore

@Suite struct WordEmbedderTests {
  /// Over several tiles.
  @Test(arguments: [ProductArithmetic.fusedMultiplyAdds, .brainFloatByConversion])
  func packedWeightsChangeNoBit(arithmetic: ProductArithmetic) {
    let witness = ModelWitness(.generationSample, seed: 11)
    var random = BatchGenerator(seed: 9)
    let words = random.words(WordEmbedder.callWords)
    let results = [false, true].map { packsWeights in
      let embedder = WordEmbedder(
        witness.configuration, witness.weights, maxWordBytes: 64,
        kernels: ModelKernels(arithmetic: arithmetic, packsWeights: packsWeights))
      let embeddings = FloatBuffer(zeroed: words.count * witness.configuration.width)
      embedder.embed(
        words, into: MatrixView(embeddings.base, rows: words.count, columns: witness.configuration.width))
      return embeddings.elements.map(\.bitPattern)
    }
    #expect(results[0] == results[1])
  }
}
