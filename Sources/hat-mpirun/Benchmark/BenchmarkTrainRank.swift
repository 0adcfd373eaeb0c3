import CAllocations
import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATText
import SystemPackage

/// The work of one rank of `benchmark train`.
final class BenchmarkTrainRank {
  private let command: BenchmarkTrain
  private var records: [StepRecord] = []

  /// Steps before those measured: kernels are made, pages touched, caches filled.
  private static let warmupSteps = 2
  /// Steps with different text.
  private static let preparedSteps = 4

  init(_ command: BenchmarkTrain) {
    self.command = command
    records.reserveCapacity(Self.warmupSteps + 2 * command.steps)
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    let (configuration, corpus) = try communicator.together { try open() }
    let scratch = try ScratchRun(communicator)
    defer { scratch.remove() }
    let splitter = try corpus?.splitter ?? WordSplitter(.whitespace)
    let threads = try communicator.together { try ThreadChoice(wanted: command.threads).threads }
    let model = TextModel<HierarchicalTransformer>(
      configuration, maxWordBytes: splitter.maximumWordBytes, threads: threads)
    let job = TrainingJob(
      run: scratch.path, configuration: configuration,
      data: DataDescription(splittingRule: "", maxWordBytes: splitter.maximumWordBytes, fingerprint: ""))
    let trainer = try Trainer(
      communicator: communicator, job: job, model: model,
      makeSource: { _, owned in
        if let corpus {
          return try PreparedMicroBatches(corpus, configuration, steps: Self.preparedSteps, owned: owned)
        }
        return PreparedMicroBatches(
          text: SampleText.text, splitter: splitter, configuration, steps: Self.preparedSteps, owned: owned)
      },
      observe: { [weak self] event in if case .step(let record) = event { self?.records.append(record) } })
    var measurement = try measure(trainer, model.profile, communicator, threads: threads)
    measurement.threads = threads
    if communicator.rank == 0 { try measurement.show(json: command.json) }
    return 0
  }

  private func open() throws -> (Configuration, Corpus?) {
    var configuration = try Configuration.load(
      from: FilePath(command.config), overrides: command.overrides)
    try configuration.model.require(.hierarchical, for: "benchmark train", at: command.config)
    configuration.training.steps = Self.warmupSteps + 2 * command.steps
    return (configuration, try command.data.map { try Corpus(opening: FilePath($0)) })
  }

  /// First the steps as they are, then as many again with the profile on.
  private func measure<Source>(
    _ trainer: Trainer<TextModel<HierarchicalTransformer>, Source>, _ profile: StepProfile,
    _ communicator: any Communicator,
    threads: Int
  ) throws -> TrainMeasurement {
    func steps(_ count: Int) throws -> Int {
      let before = hat_allocation_count()
      for _ in 0..<count { _ = try trainer.trainStep { false } }
      return hat_allocation_count() - before
    }
    _ = try steps(Self.warmupSteps)
    let before = try ranksTogether(communicator, threads: threads)
    let allocations = try steps(command.steps)
    let after = try ranksTogether(communicator, threads: threads)
    profile.isOn = true
    _ = try steps(command.steps)
    return try TrainMeasurement(
      records: records.dropFirst(Self.warmupSteps), measuredSteps: command.steps, profile: profile,
      allocations: allocations, sgemm: max(before, after), communicator: communicator)
  }

  /// Floating-point operations a second of the library's products on all ranks at once.
  private func ranksTogether(_ communicator: any Communicator, threads: Int) throws -> Double {
    try communicator.barrier()
    return try communicator.values(MatrixProductRate.measure(threads: threads)).reduce(0, +)
  }
}

extension Communicator {
  /// A number of every rank, on every rank.
  func values(_ own: Double) throws -> [Double] {
    try withUnsafeBytes(of: own) { try allGather($0) }.map {
      $0.withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
    }
  }
}
