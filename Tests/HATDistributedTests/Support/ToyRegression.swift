import Foundation
import HATKernels

@testable import HATCore
@testable import HATDistributed

/// Linear regression on random examples: a model small enough to train on any number of threads in milliseconds,
/// in six blocks so that some ranks own much and others nothing.
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

  func initialize(_ range: Range<Int>, of parameters: UnsafeMutablePointer<Float>, seed: UInt64) {
    for index in range {
      var generator = ToyGenerator(seed: seed &+ UInt64(index))
      parameters[index] = generator.float() * 0.02
    }
  }

  func lossAndGradient(
    _ batch: [Example], parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> LossSum {
    gradient.update(repeating: 0, count: Self.count)
    for example in batch {
      let error = self.error(example, parameters)
      for index in 0..<Self.count { gradient[index] += error * example.inputs[index] }
    }
    return loss(batch, parameters: parameters)
  }

  func loss(_ batch: [Example], parameters: UnsafePointer<Float>) -> LossSum {
    var sum = LossSum()
    for example in batch {
      let error = Double(error(example, parameters))
      sum.nats += 0.5 * error * error
      sum.targetPositions += 1
      sum.textBytes += 1
      sum.words += 1
    }
    return sum
  }

  func trainingFLOPs(_ batch: [Example]) -> Double { Double(batch.count * Self.count * 4) }

  private func error(_ example: Example, _ parameters: UnsafePointer<Float>) -> Float {
    var prediction: Float = 0
    for index in 0..<Self.count { prediction += parameters[index] * example.inputs[index] }
    return prediction / 100 - example.target
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
  private let owned: Range<Int>
  private let microBatches: Int
  let epochs: [Double] = []
  /// A step on which one rank fails to read.
  private let failure: (step: Int, error: any Error)?
  /// Steps of which micro-batch 3 is poisoned.
  private let poison: [Int: Poison]
  private static let poisonedMicroBatch = 3

  init(
    cursor: String?, owned: Range<Int>, microBatches: Int,
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
