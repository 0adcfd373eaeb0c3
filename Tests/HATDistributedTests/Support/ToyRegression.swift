import Foundation
import HATKernels
import HATText

@testable import HATCore
@testable import HATDistributed

/// Linear regression on random examples: a model small enough to train on any number of threads in milliseconds,
/// in a few blocks so that some ranks own much and others nothing. Some of its parameters are used one part at a time.
final class ToyRegression: LanguageModel {
  typealias MicroBatch = [Example]

  struct Example {
    var inputs: [Float]
    var target: Float
  }

  static let count = 5 * 4096 + 17

  /// No unit and no tensor ends where a block of the reduction does.
  static let table: TensorTable = {
    var end = 0
    return TensorTable(
      ([
        ("embedding", [50, 140], .embedding, .front), ("matrix.0", [20, 66], .hiddenMatrix, .block(0)),
        ("norm.0", [680], .gain, .block(0)), ("norm.1", [2320], .gain, .block(1)),
        ("matrix.1", [20, 109], .hiddenMatrix, .block(1)), ("matrix.2", [10, 10], .hiddenMatrix, .block(2)),
        ("head", [57, 121], .head, .back),
      ] as [(String, [Int], TensorRole, ModelUnit)]).map { name, shape, role, unit in
        let tensor = Tensor(
          name: "\(name).weight", shape: shape, role: role, unit: unit,
          initialValues: .normal(deviation: 0.01), start: end)
        end = tensor.range.upperBound
        return tensor
      })
  }()

  var table: TensorTable { Self.table }
  let workers = WorkerPool(threads: 1)
  let arithmetic = ProductArithmetic.fusedMultiplyAdds
  let profile = StepProfile()
  private var blocks: [Range<Int>] { table.blocks }

  func lossAndGradient<Memory: ModelMemory>(
    _ batch: [Example], _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    let errors = try errors(batch, memory)
    func differentiate(_ gradients: Gradients) {
      for (offset, index) in gradients.floats.range.enumerated() {
        gradients.floats.base[offset] = zip(batch, errors).reduce(0) { $0 + $1.1 * $1.0.inputs[index] }
      }
    }
    differentiate(memory.backGradients)
    for block in blocks.indices.reversed() {
      try memory.withGradients(ofBlock: block) { _, gradients in differentiate(gradients) }
    }
    differentiate(memory.frontGradients)
    return sum(errors)
  }

  func loss<Parameters: ModelParameters>(
    _ batch: [Example], _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    sum(try errors(batch, parameters))
  }

  private func sum(_ errors: [Float]) -> LossSum {
    var sum = LossSum()
    for error in errors.map(Double.init) {
      sum.nats += 0.5 * error * error
      sum.targetPositions += 1
      sum.textBytes += 1
      sum.words += 1
    }
    return sum
  }

  func preferenceMargins<Parameters: ModelParameters>(
    _ batch: [Example], _ parameters: Parameters
  ) throws(Parameters.Failure) -> [Double] { [] }

  func trainingFLOPs(_ batch: [Example]) -> Double { Double(batch.count * Self.count * 4) }

  private func errors<Parameters: ModelParameters>(
    _ batch: [Example], _ parameters: Parameters
  ) throws(Parameters.Failure) -> [Float] {
    var predictions = batch.map { _ in Float(0) }
    func predict(_ weights: Weights) {
      for (number, example) in batch.enumerated() {
        for (offset, index) in weights.range.enumerated() {
          predictions[number] += weights.base[offset] * example.inputs[index]
        }
      }
    }
    predict(parameters.front)
    for block in blocks.indices { try parameters.withWeights(ofBlock: block, predict) }
    predict(parameters.back)
    return zip(predictions, batch).map { $0 / 100 - $1.target }
  }
}

/// The toy's data: example k of step s is a function of s and k.
final class ToyExamples: MicroBatchSource {
  /// What is wrong with a micro-batch whose step cannot be applied.
  enum Poison {
    case loss
    case gradient
  }

  private var step: Int
  private let owned: [Int]
  private let microBatches: Int
  let epochs: [Double] = []
  /// A step on which one rank fails to read.
  private let failure: (step: Int, error: any Error)?
  /// Steps of which micro-batch 3 is poisoned.
  private let poison: [Int: Poison]
  private static let poisonedMicroBatch = 3

  init(
    cursor: String?, owned: [Int], microBatches: Int,
    failure: (step: Int, error: any Error)? = nil, poison: [Int: Poison] = [:]
  ) {
    step = Int(cursor ?? "0")!
    self.owned = owned
    self.microBatches = microBatches
    self.failure = failure
    self.poison = poison
  }

  func cursor() -> String { String(step) }

  func nextStep() throws -> [[ToyRegression.Example]] {
    step += 1
    if let failure, failure.step == step { throw failure.error }
    return owned.map { index in
      let examples = examples(step * 1000 + index, count: 2)
      guard index == Self.poisonedMicroBatch, let poison = poison[step] else { return examples }
      return examples.map { Self.poisoned($0, poison) }
    }
  }

  private static func poisoned(_ example: ToyRegression.Example, _ poison: Poison) -> ToyRegression.Example {
    switch poison {
    case .loss: ToyRegression.Example(inputs: example.inputs, target: .nan)
    // The loss is summed in double precision and finite, the product of error and input is not.
    case .gradient: ToyRegression.Example(inputs: example.inputs.map { $0 + 10 }, target: 3e38)
    }
  }

  func documentsOfLastStep() -> [[String]] {
    (0..<microBatches).map { ["step \(step), micro-batch \($0)"] }
  }

  func heldOut(owned: (Int) -> Bool) -> HeldOut<[ToyRegression.Example]> {
    HeldOut(counts: [7], owned: (0..<7).filter(owned).map { examples(9_000_000 + $0, count: 3) })
  }

  /// Few directions, so that there is something to learn in few steps.
  private static let patterns: [[Float]] = (0..<4).map { pattern in
    var generator = ToyGenerator(seed: UInt64(77 + pattern))
    return (0..<ToyRegression.count).map { _ in generator.float() }
  }

  private func examples(_ seed: Int, count: Int) -> [ToyRegression.Example] {
    var generator = ToyGenerator(seed: UInt64(seed))
    return (0..<count).map { _ in
      let (pattern, amplitude) = (Int(generator.next() % 4), generator.float())
      return ToyRegression.Example(
        inputs: Self.patterns[pattern].map { $0 * amplitude }, target: amplitude * Float(pattern + 1))
    }
  }
}

extension [ToyRegression.Example]: PreferenceBatch {
  public var pairs: [PreferencePair] {
    get { [] }
    set { precondition(newValue.isEmpty) }
  }
}
