import HATCore
import HATText
import Testing

/// A model that cannot learn one short document by heart has a fault.
@Suite("Overfitting")
struct OverfittingTests {
  static let text: [String] = [
    "Now ", "is ", "the ", "winter ", "of ", "our ", "discontent\n", "Made ", "glorious ", "summer ", "by ",
    "this ", "sun ", "of ", "York; ", "— ", "größer ", "als ", "größer.\n",
  ]

  @Test("One document is learned by heart and written back, with its end")
  func oneDocument() {
    var configuration = ModelConfiguration()
    configuration.byteWidth = 32
    configuration.byteHeadSize = 16
    configuration.width = 48
    configuration.headSize = 12
    configuration.keyValueHeads = 2
    configuration.layers = 2
    let training = SoloTraining(configuration, seed: 1)
    let words = Self.text.map { Array($0.utf8) }
    let batch = Batch.document(words)
    var losses: [Double] = []
    for step in 1...250 {
      losses.append(training.step(batch, learningRate: 4e-3 * min(1, Double(step) / 20)))
    }
    let bytes = words.reduce(0) { $0 + $1.count }
    let sum = training.model.loss(batch, parameters: training.parameters.base)
    #expect(abs(losses[0] - 5.545) < 0.1, "starts near ln 256")
    #expect(sum.nats / Double(bytes) < 0.05, "nats per byte")
    let document = training.greedyDocument(limit: 2 * bytes)
    #expect(document.isClosed)
    #expect(document.words == words)
  }
}
