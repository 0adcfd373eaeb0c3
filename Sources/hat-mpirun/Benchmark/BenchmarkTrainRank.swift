import Foundation
import Glibc
import HATCore
import HATDistributed
import HATKernels
import HATStorage
import HATText
import SystemPackage

/// The work of one rank of `benchmark train`.
final class BenchmarkTrainRank {
  private let command: BenchmarkTrain
  private var records: [StepRecord] = []

  /// Steps before the measured ones: they touch pages and fill caches.
  private static let warmupSteps = 2
  /// Steps with different text.
  private static let preparedSteps = 4
  /// Where no corpus is given: the beginning of Shakespeare's Hamlet.
  private static let sampleText = PackageResources.hamlet_txt

  init(_ command: BenchmarkTrain) {
    self.command = command
    records.reserveCapacity(Self.warmupSteps + 2 * command.steps)
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    let (configuration, corpus) = try communicator.together { try open() }
    let scratch = try ScratchRun(communicator)
    defer { scratch.remove() }
    let splitter = try corpus?.splitter ?? WordSplitter(.whitespace)
    let threads = try communicator.together {
      try ThreadChoice(wanted: command.threads, on: communicator).threads
    }
    let library = try communicator.together { try LibraryProduct(threads: threads) }
    let arithmetic = try ArithmeticChoice(configuration, on: communicator).arithmetic
    let tokenizer = try communicator.together { try self.tokenizer(for: configuration.model) }
    let job = TrainingJob(
      run: scratch.path, configuration: configuration,
      data: DataDescription(splittingRule: "", maxWordBytes: splitter.maximumWordBytes, fingerprint: ""),
      tokenizer: tokenizer, arithmetic: arithmetic)
    func steps(_ owned: [Int]) throws -> [[Batch]] {
      if let corpus {
        return try PreparedSteps.of(corpus, configuration, steps: Self.preparedSteps, owned: owned)
      }
      return PreparedSteps.of(
        text: Self.sampleText, splitter: splitter, configuration, steps: Self.preparedSteps, owned: owned)
    }
    try MemoryCheck.requireRoom(
      for: configuration, maxWordBytes: splitter.maximumWordBytes, threads: threads, on: communicator)
    let execution = Execution(
      configuration, maxWordBytes: splitter.maximumWordBytes, arithmetic: arithmetic,
      workers: WorkerPool(threads: threads))
    if let tokenizer {
      let batcher = TokenBatcher(tokenizer.vocabulary)
      try measure(
        SubwordTransformer(configuration.model, execution), job, communicator, library, threads: threads
      ) { owned in try steps(owned).map { $0.map { batcher.tokens(of: $0) } } }
    } else {
      let model = HierarchicalTransformer(configuration.model, execution)
      try measure(model, job, communicator, library, threads: threads, steps: steps)
    }
    return 0
  }

  /// The tokenizer of a model of tokens.
  private func tokenizer(for model: ModelConfiguration) throws -> TokenizerFile? {
    guard model.kind == .subword else {
      guard command.tokenizer == nil else {
        throw UserError(
          .wrongUsage, at: "--tokenizer", "a model of kind \(model.kind.rawValue) has no tokens",
          hint: "Leave it out, or measure a configuration with kind: subword.")
      }
      return nil
    }
    guard let path = command.tokenizer else {
      throw UserError(
        .wrongUsage, at: command.config, "a model of kind subword needs a tokenizer",
        hint: "Add --tokenizer FILE, made by `hat-mpirun tokenizer learn`.")
    }
    return try TokenizerFile(reading: FilePath(path), tokens: model.vocabulary)
  }

  private func open() throws -> (Configuration, Corpus?) {
    var configuration = try Configuration.load(
      from: FilePath(command.config), overrides: command.overrides)
    configuration.training.steps = Self.warmupSteps + 2 * command.steps
    return (configuration, try command.data.map { try Corpus(opening: FilePath($0)) })
  }

  /// First the steps as they are, then as many again with the profile on.
  private func measure<Model: LanguageModel>(
    _ model: Model, _ job: TrainingJob, _ communicator: any Communicator, _ library: LibraryProduct,
    threads: Int,
    steps: (_ owned: [Int]) throws -> [[Model.MicroBatch]]
  ) throws {
    let trainer = try Trainer(
      communicator: communicator, job: job, model: model,
      makeSource: { PreparedMicroBatches(steps: try steps($1), of: job.configuration.training.microBatches) },
      observe: { [weak self] event in if case .step(let record) = event { self?.records.append(record) } })
    let measurement = try measure(
      trainer, model.profile, communicator, library, threads: threads, arithmetic: job.arithmetic)
    if communicator.rank == 0 { try measurement.show(json: command.json) }
  }

  private func measure<Model: LanguageModel, Source>(
    _ trainer: Trainer<Model, Source>, _ profile: StepProfile, _ communicator: any Communicator,
    _ library: LibraryProduct, threads: Int, arithmetic: ProductArithmetic
  ) throws -> TrainMeasurement {
    func steps(_ count: Int) throws { for _ in 0..<count { _ = try trainer.trainStep { false } } }
    let counter = AllocationCounter()
    try steps(Self.warmupSteps)
    let before = try ranksTogether(communicator, library)
    let allocationsBefore = counter?.count
    try steps(command.steps)
    let allocations = counter.map { Double($0.count - allocationsBefore!) / Double(command.steps) }
    let after = try ranksTogether(communicator, library)
    profile.isOn = true
    try steps(command.steps)
    // Before the measurement itself takes memory.
    let peak = try ResidentMemory.peak()
    try communicator.barrier()
    let sgemm = max(before, after)
    return try TrainMeasurement(
      records: records.dropFirst(Self.warmupSteps), measuredSteps: command.steps, profile: profile,
      allocationsPerStep: allocations, peakBytes: peak, sgemm: sgemm,
      ceiling: MachineCeiling.measure(
        threads: threads, library: sgemm / Double(communicator.size), arithmetic: arithmetic),
      threads: threads, products: arithmetic, communicator: communicator)
  }

  /// Floating-point operations per second of the library's products, on all ranks at once.
  private func ranksTogether(_ communicator: any Communicator, _ library: LibraryProduct) throws -> Double {
    try communicator.barrier()
    return try communicator.values(MatrixProductRate.library(library)).reduce(0, +)
  }
}

/// The count of allocations that a preloaded libhat-allocations.so keeps (Benchmarks/allocations).
private struct AllocationCounter {
  private let read: @convention(c) () -> Int

  /// - Returns: nil where it is not preloaded.
  init?() {
    guard let address = dlsym(nil, "hat_allocation_count") else { return nil }
    read = unsafeBitCast(address, to: (@convention(c) () -> Int).self)
  }

  /// Of this process since it began, from all threads.
  var count: Int { read() }
}

/// The folder of a run that is only measured: the same on all ranks, removed afterwards.
struct ScratchRun {
  let path: FilePath
  private let isOwner: Bool

  init(_ communicator: any Communicator) throws {
    isOwner = communicator.rank == 0
    let own = FileManager.default.temporaryDirectory.appendingPathComponent("hat-benchmark-\(UUID())").path
    let paths = try Array(own.utf8).withUnsafeBytes { try communicator.allGather($0) }
    path = FilePath(String(decoding: paths[0], as: UTF8.self))
  }

  func remove() {
    if isOwner { try? FileManager.default.removeItem(atPath: path.string) }
  }
}
