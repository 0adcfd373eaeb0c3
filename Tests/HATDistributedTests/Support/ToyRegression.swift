import Foundation
import HATKernels

@testable import HATCore
@testable import HATDistributed

/// Linear regression on random examples: a model small enough to train on any number of threads in milliseconds,
/// in a few blocks so that some ranks own much and others nothing. Some of its parameters are used one part at a time.
final class ToyRegression: TrainingModel {
  typealias MicroBatch = [Example]

  struct Example {
    var inputs: [Float]
    var target: Float
  }

  static let count = 5 * 4096 + 17

  let tensors = [
    ParameterTensor(name: "matrix.weight", shape: [64, 130], range: 0..<8320, initialDeviation: 0.02),
    ParameterTensor(name: "norm.weight", shape: [3000], range: 8320..<11320, initialDeviation: nil),
    ParameterTensor(name: "head.weight", shape: [9177], range: 11320..<20497, initialDeviation: 0.02),
  ]

  let blocks = [7000..<9000, 9000..<13_500, 13_500..<13_600]

  func initialize(_ ranges: [Range<Int>], of parameters: UnsafeMutablePointer<Float>, seed: UInt64) {
    for index in ranges.joined() {
      var generator = ToyGenerator(seed: seed &+ UInt64(index))
      parameters[index] = generator.float() * 0.02
    }
  }

  func lossAndGradient<Memory: ModelMemory>(
    _ batch: [Example], _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    let errors = try errors(batch, memory)
    func differentiate(_ range: Range<Int>, _ gradient: UnsafeMutablePointer<Float>) {
      for index in range {
        gradient[index] = zip(batch, errors).reduce(0) { $0 + $1.1 * $1.0.inputs[index] }
      }
    }
    differentiate(blocks.last!.upperBound..<Self.count, memory.backGradient)
    for block in blocks.indices.reversed() {
      try memory.withGradient(ofBlock: block) { _, gradient in differentiate(blocks[block], gradient) }
    }
    differentiate(0..<blocks[0].lowerBound, memory.frontGradient)
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

  func trainingFLOPs(_ batch: [Example]) -> Double { Double(batch.count * Self.count * 4) }

  private func errors<Parameters: ModelParameters>(
    _ batch: [Example], _ parameters: Parameters
  ) throws(Parameters.Failure) -> [Float] {
    var predictions = batch.map { _ in Float(0) }
    func predict(_ range: Range<Int>, _ parameters: UnsafePointer<Float>) {
      for (number, example) in batch.enumerated() {
        for index in range { predictions[number] += parameters[index] * example.inputs[index] }
      }
    }
    predict(0..<blocks[0].lowerBound, parameters.frontParameters)
    for block in blocks.indices {
      try parameters.withParameters(ofBlock: block) { predict(blocks[block], $0) }
    }
    predict(blocks.last!.upperBound..<Self.count, parameters.backParameters)
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
