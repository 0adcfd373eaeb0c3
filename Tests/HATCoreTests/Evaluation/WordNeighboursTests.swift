import HATCore
import HATStorage
import HATText
import TestSupport
import Testing

@Suite struct WordNeighboursTests {
  private let witness = ModelWitness(ModelConfiguration.tinySamples[2], seed: 31)
  private let words = ["the ", "then ", "whale ", "größer ", "語 ", "a ", "ship "].map { Array($0.utf8) }

  private var neighbours: WordNeighbours {
    get throws {
      try WordNeighbours(
        witness.configuration, witness.weights, maxWordBytes: 64, words: words)
    }
  }

  private func cosine(_ first: [Float], _ second: [Float]) -> Double {
    func product(_ first: [Float], _ second: [Float]) -> Double {
      zip(first, second).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return product(first, second) / (product(first, first) * product(second, second)).squareRoot()
  }

  private func lessMean(_ rows: [[Float]]) -> [[Float]] {
    rows.map { row in
      row.indices.map { column in
        row[column] - rows.reduce(0) { $0 + $1[column] } / Float(rows.count)
      }
    }
  }

  @Test func cosinesAreThoseOfTheModelsEmbeddings() throws {
    // The first row is that of `[S]`.
    let embeddings = lessMean(Array(witness.predictions(.document(words)).wordEmbeddings.dropFirst()))
    let found = try neighbours.nearest(toEach: words, count: words.count)
    for (word, list) in zip(embeddings.indices, found) {
      #expect(Set(list.map(\.index)).count == words.count)
      #expect(list.map(\.cosine) == list.map(\.cosine).sorted(by: >))
      for neighbour in list {
        let expected = cosine(embeddings[word], embeddings[neighbour.index])
        #expect(abs(Double(neighbour.cosine) - expected) < 1e-4)
      }
    }
  }

  @Test func aWordIsNearestToItself() throws {
    // More words than are looked up together.
    let many = (0..<20).flatMap { _ in words }
    let found = try neighbours.nearest(toEach: many, count: 1)
    for (index, list) in found.enumerated() { #expect(list.map(\.index) == [index % words.count]) }
  }

  @Test(arguments: [Float.nan, 1e30]) func embeddingsThatAreNotFiniteAreAnError(weight: Float) throws {
    witness.fill(["encoder.norm.weight", "encoder.output_proj.weight"], with: weight)
    let error = #expect(throws: UserError.self) { try neighbours }
    #expect(error?.kind == .invalidData)
  }

  @Test func ofEqualsTheEarlierComesFirst() throws {
    let twins = try WordNeighbours(
      witness.configuration, witness.weights, maxWordBytes: 64, words: words + words)
    let found = try twins.nearest(toEach: [words[3]], count: 2)[0]
    #expect(found.map(\.index) == [3, 3 + words.count])
  }
}
