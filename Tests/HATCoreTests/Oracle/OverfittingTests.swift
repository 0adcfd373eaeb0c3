import HATCore
import HATText
import Testing

/// A model that cannot learn one short document by heart has a fault.
@Suite("Overfitting", .serialized)
struct OverfittingTests {
  static let text: [String] = [
    "Now ", "is ", "the ", "winter ", "of ", "our ", "discontent\n", "Made ", "glorious ", "summer ", "by ",
    "this ", "sun ", "of ", "York; ", "— ", "größer ", "als ", "größer.\n",
  ]

  static let words = text.map { Array($0.utf8) }
  static let byteCount = words.reduce(0) { $0 + $1.count }

  /// A model that has read the document 250 times. Its suite is serialized: one test at a time uses it.
  nonisolated(unsafe) static let trained: SoloTraining = {
    var configuration = ModelConfiguration()
    configuration.byteWidth = 32
    configuration.byteHeadSize = 16
    configuration.width = 48
    configuration.headSize = 12
    configuration.keyValueHeads = 2
    configuration.layers = 2
    let training = SoloTraining(configuration, seed: 1)
    for step in 1...250 {
      _ = training.step(.document(words), learningRate: 4e-3 * min(1, Double(step) / 20))
    }
    return training
  }()

  @Test("One document is learned by heart")
  func learned() {
    let sum = Self.trained.model.loss(.document(Self.words), parameters: Self.trained.parameters.base)
    #expect(sum.nats / Double(Self.byteCount) < 0.05, "nats per byte")
    #expect(sum.correctWords == sum.words)
  }

  @Test("It is written back word for word, and closed, by plain repeated forward passes")
  func writtenBackSlowly() {
    let document = Self.trained.greedyDocument(limit: 2 * Self.byteCount)
    #expect(document.isClosed)
    #expect(document.words == Self.words)
  }

  @Test("The generator writes it back from any beginning, and stops by itself", arguments: [0, 1, 5, 18])
  func writtenBack(given: Int) throws {
    let (text, end) = try generate(after: Array(Self.words[..<given]), contextWords: 64)
    #expect(end == .documentMark)
    #expect(text == Self.words[given...].flatMap { $0 })
  }

  @Test("The generator continues a word that is only begun")
  func begunWord() throws {
    let (text, end) = try generate(after: Self.words[..<6] + [Array("disc".utf8)], contextWords: 64)
    #expect(end == .documentMark)
    #expect(text == Array("ontent\n".utf8) + Self.words[7...].flatMap { $0 })
  }

  @Test("A generator whose context overflows goes on, in valid UTF-8", arguments: [2, 3, 7])
  func smallContext(contextWords: Int) throws {
    let (text, _) = try generate(after: [], contextWords: contextWords, limit: 300, temperature: 1.5)
    #expect(String(validating: text, as: UTF8.self) != nil)
    #expect(text.count <= 300)
  }

  private func generate(
    after words: [[UInt8]], contextWords: Int, limit: Int = 400, temperature: Double = 0
  ) throws -> (text: [UInt8], end: TextGenerator.End) {
    let predictor = HierarchicalPredictor(
      Self.trained.model.model, parameters: Self.trained.parameters.base,
      splitter: try WordSplitter(.whitespace),
      contextWords: contextWords)
    let generator = TextGenerator(predictor)
    var samplers = [try Sampler(temperature: temperature, topP: 1, seed: 1)]
    var text: [UInt8] = []
    generator.read(symbols: [Array(words.map { $0.map(Int.init) }.joined(separator: [Int(SpecialByte.word)]))]
    )
    let ends = generator.write(byteLimit: limit, samplers: &samplers) { text += $1 }
    return (text, ends[0])
  }
}
