import HATCore
import HATText
import TestSupport
import Testing

/// What one word may know of another: nothing about later words, nothing about other documents.
@Suite("Masks")
struct MaskTests {
  /// Two documents, and one word of one of them to be replaced.
  struct Case {
    var documents: [[[UInt8]]]
    var document: Int
    var word: Int

    var batch: Batch {
      documents.reduce(into: Batch()) { $0.append(Batch.document($1)) }
    }

    /// The replaced word in the batch's list of words: behind the `[S]` that opens its document, and two marks
    /// for every document before.
    var place: Int {
      documents[..<document].reduce(0) { $0 + $1.count + 2 } + 1 + word
    }

    func replacing(_ replacement: [UInt8]) -> Case {
      var copy = self
      copy.documents[document][word] = replacement
      return copy
    }
  }

  static func randomCase(_ batches: inout BatchGenerator) -> Case {
    let documents = (0..<3).map { _ in batches.words(Int.random(in: 4...9, using: &batches.generator)) }
    let document = Int.random(in: 0..<3, using: &batches.generator)
    let word = Int.random(in: 0..<documents[document].count, using: &batches.generator)
    return Case(documents: documents, document: document, word: word)
  }

  /// Another word of that length; the bytes before the returned index are the same.
  static func replacement(for word: [UInt8], _ batches: inout BatchGenerator) -> (word: [UInt8], change: Int)
  {
    let change = Int.random(in: 0..<word.count, using: &batches.generator)
    var other = word[..<change] + batches.word(ofLength: word.count - change)
    if other[change] == word[change] { other[change] = 0x41 }
    return (Array(other), change)
  }

  @Test(
    "A replaced word of the same length is seen by later words of its document alone, to the last bit",
    arguments: 0..<ModelConfiguration.tinySamples.count, 0..<6)
  func sameLength(sample: Int, seed: UInt64) {
    let witness = ModelWitness(ModelConfiguration.tinySamples[sample], seed: seed)
    var batches = BatchGenerator(seed: 7919 * seed + UInt64(sample))
    let original = Self.randomCase(&batches)
    let (word, change) = Self.replacement(for: original.documents[original.document][original.word], &batches)
    let before = witness.predictions(original.batch)
    let after = witness.predictions(original.replacing(word).batch)

    for position in PositionMap(original.batch) {
      let isSame = before.logits[position.index] == after.logits[position.index]
      switch relation(of: position, to: original.place, change: change) {
      case .unaware: #expect(isSame, "position \(position.index) saw a word it must not see")
      case .aware: #expect(!isSame, "position \(position.index) did not see a word before it")
      }
    }
    expectOwnEmbeddingAlone(original, before, after)
  }

  @Test(
    "A replaced word of another length: the same to rounding",
    arguments: 0..<ModelConfiguration.tinySamples.count, 0..<4)
  func otherLength(sample: Int, seed: UInt64) {
    let witness = ModelWitness(ModelConfiguration.tinySamples[sample], seed: seed)
    var batches = BatchGenerator(seed: 104_729 * seed + UInt64(sample))
    let original = Self.randomCase(&batches)
    let length = original.documents[original.document][original.word].count
    let changed = original.replacing(batches.word(ofLength: length + 3))
    let before = witness.predictions(original.batch)
    let after = witness.predictions(changed.batch)

    let (old, new) = (Array(PositionMap(original.batch)), Array(PositionMap(changed.batch)))
    let matches = Dictionary(uniqueKeysWithValues: new.map { ([$0.word, $0.byte], $0.index) })
    for position in old where relation(of: position, to: original.place, change: 0) == .unaware {
      let other = after.logits[matches[[position.word, position.byte]]!]
      let row = before.logits[position.index]
      let difference = zip(row, other).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(difference <= 2e-5 * row.reduce(1) { max($0, abs($1)) }, "position \(position.index)")
    }
    let next = old.first { $0.word == original.place + 1 && $0.byte == 0 }!
    #expect(before.logits[next.index] != after.logits[matches[[next.word, 0]]!])
  }

  enum Relation { case aware, unaware }

  /// Whether a prediction depends on byte `change`, and so on what follows, of the word at `place`.
  func relation(of position: PositionMap.Position, to place: Int, change: Int) -> Relation {
    guard position.piece.contains(place) else { return .unaware }
    if position.word == place { return position.byte > change ? .aware : .unaware }
    return position.word > place ? .aware : .unaware
  }

  func expectOwnEmbeddingAlone(_ original: Case, _ before: Predictions, _ after: Predictions) {
    let inputs = PositionMap(original.batch).first { _ in true }!.inputWords
    for (input, word) in inputs.enumerated() {
      let isSameEmbedding = before.wordEmbeddings[input] == after.wordEmbeddings[input]
      #expect(isSameEmbedding == (word != original.place), "embedding of word \(word)")
      let isSameOutput = before.predictiveEmbeddings[input] == after.predictiveEmbeddings[input]
      let piece = original.batch.pieceOffsets.last { Int($0) <= original.place }!
      let next = original.batch.pieceOffsets.first { Int($0) > original.place }!
      let isLater = word >= original.place && word < Int(next) && word >= Int(piece)
      #expect(isSameOutput == !isLater, "predictive embedding of word \(word)")
    }
  }
}
