import DistributedTestSupport
import Foundation
import HATCore
import HATKernels
import HATStorage
import SystemPackage

@testable import HATDistributed

/// Trains the toy in a folder, and reads what it left there.
struct ToyRun {
  var folder: String
  var configuration = ToyRun.configuration(steps: 12)
  var data = DataDescription(splittingRule: "toy-v1", maxWordBytes: 64, fingerprint: "toy")
  var resume = TrainingJob.Resume.auto
  var arithmetic = ProductArithmetic.fusedMultiplyAdds
  /// Steps that cannot be applied.
  var poison: [Int: ToyExamples.Poison] = [:]
  var failure: (@Sendable (_ rank: Int) -> (step: Int, error: any Error)?)?

  static func configuration(
    steps: Int, microBatches: Int = 8, optimizer: OptimizerKind = .adamw
  ) -> Configuration {
    var configuration = Configuration()
    configuration.training.optimizer = optimizer
    configuration.training.steps = steps
    configuration.training.microBatches = microBatches
    configuration.training.sequencesPerStep = microBatches
    configuration.training.warmupSteps = 3
    configuration.training.peakLearningRate = 0.001
    configuration.output.checkpointEvery = 5
    configuration.output.evaluateEvery = 4
    configuration.output.keep = 2
    return configuration
  }

  /// - Parameters:
  ///   - stopAfter: the step after which rank `size - 1` is asked to stop.
  ///   - log: of rank 0.
  func train(
    ranks: Int, nodes: Int = 1, stopAfter: Int? = nil, log: OperationLog = OperationLog(),
    observe: @escaping @Sendable (TrainingEvent) -> Void = { _ in },
    writeSample: (@Sendable (ModelWeights) throws -> TextSample)? = nil
  ) throws -> TrainingOutcome {
    let job = TrainingJob(
      run: FilePath(folder), configuration: configuration, data: data, resume: resume,
      arithmetic: arithmetic)
    let (failure, poison) = (failure, poison)
    return try ThreadCommunicator.run(size: ranks, nodes: nodes) { communicator in
      let trainer = try Trainer(
        communicator: communicator, job: job, model: ToyRegression(),
        log: communicator.rank == 0 ? log : OperationLog(),
        makeSource: {
          ToyExamples(
            cursor: $0, owned: $1, microBatches: job.configuration.training.microBatches,
            failure: failure?(communicator.rank), poison: poison)
        },
        writeSample: writeSample.map { write in { weights, _ in try write(weights) } }, observe: observe)
      return try trainer.run {
        communicator.rank == ranks - 1 && stopAfter.map { trainer.step + 1 >= $0 } == true
      }
    }[0]
  }

  /// metrics.jsonl without what depends on the clock.
  func results() throws -> [[String: Double?]] {
    let steps: [[String: Double?]] = try lines("metrics.jsonl")
    return steps.map { step in
      step.filter { !$0.key.hasSuffix("_seconds") && !$0.key.hasSuffix("_per_second") }
    }
  }

  func evaluations() throws -> [[String: Double?]] { try lines("evaluations.jsonl") }

  func skipped() throws -> [SkippedStep] { try lines("skipped.jsonl") }

  private func lines<Line: Decodable>(_ name: String) throws -> [Line] {
    let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
    return try text.split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  /// Makes the run's own configuration this one, as nobody should.
  func rewriteConfiguration() throws {
    try configuration.yaml().write(toFile: "\(folder)/config.yaml", atomically: true, encoding: .utf8)
  }

  /// Every section of the newest checkpoint, as bits.
  func state() throws -> [[UInt32]] {
    try CheckpointReference(run: FilePath(folder)).open { reader in
      try reader.sections.enumerated().map { index, section in
        let buffer = FloatBuffer(zeroed: section.count)
        try reader.read(index, [0..<reader.manifest.parameterCount], into: buffer)
        return buffer.elements.map(\.bitPattern)
      }
    }
  }
}
