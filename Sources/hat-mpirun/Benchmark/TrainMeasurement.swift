import Foundation
import HATCore
import HATDistributed
import HATKernels
import HATTerminal

/// What `benchmark train` found.
struct TrainMeasurement: Encodable {
  var ranks: Int
  var threads: Int
  /// Of the factors of matrix products.
  var precision: Precision
  /// What computed matrix products.
  var products: ProductInstructions
  /// Median over the measured steps.
  var stepSeconds: Double
  var bytesPerSecond: Double
  var wordsPerSecond: Double
  var denseFlopsPerSecond: Double
  /// Of all ranks at once.
  var sgemmFlopsPerSecond: Double
  var denseToSgemm: Double
  /// Of rank 0, while all ranks are working.
  var ceiling: MachineCeiling
  /// On the rank with the most, without those of reading text; nil where no counter is preloaded.
  var allocationsPerStep: Double?
  /// Of the rank with the most; pages that ranks share are divided by their number.
  var peakResidentBytes: Int
  /// Seconds per step, on rank 0: the parts of computing a gradient, the optimiser's `update`, and the rest.
  var phases: [String: Double]
  var kernels: [Kernel]

  /// One kernel in one phase, on rank 0.
  struct Kernel: Encodable {
    var phase: String
    var kernel: String
    /// Per step.
    var seconds: Double
    /// Floating-point operations per second; nil for kernels that only move data.
    var flopsPerSecond: Double?
    /// Bytes read and written per second; nil for arithmetic.
    var bytesPerSecond: Double?
    /// Its rate as a fraction of the ceiling.
    var ofCeiling: Double
  }

  init(
    records: ArraySlice<StepRecord>, measuredSteps: Int, profile: StepProfile, allocationsPerStep: Double?,
    peakBytes: Int, sgemm: Double, ceiling: MachineCeiling, threads: Int, products: ProductArithmetic,
    communicator: any Communicator
  ) throws {
    // A rank without a counter makes it not a number.
    let allocations = try communicator.values(allocationsPerStep ?? .nan)
    self.allocationsPerStep = allocations.contains { $0.isNaN } ? nil : allocations.max()!
    peakResidentBytes = Int(try communicator.values(Double(peakBytes)).max()!)
    (ranks, self.threads) = (communicator.size, threads)
    (precision, self.products) = (products.precision, products.instructions)
    (sgemmFlopsPerSecond, self.ceiling) = (sgemm, ceiling)
    let measured = records.prefix(measuredSteps)
    let median = measured.sorted { $0.stepSeconds < $1.stepSeconds }
    stepSeconds = median.isEmpty ? 0 : median[median.count / 2].stepSeconds
    let seconds = measured.reduce(0) { $0 + $1.stepSeconds }
    bytesPerSecond = measured.reduce(0) { $0 + $1.bytesPerSecond * $1.stepSeconds } / seconds
    wordsPerSecond = measured.reduce(0) { $0 + $1.wordsPerSecond * $1.stepSeconds } / seconds
    denseFlopsPerSecond = measured.reduce(0) { $0 + $1.modelFLOPsPerSecond * $1.stepSeconds } / seconds
    denseToSgemm = denseFlopsPerSecond / sgemm
    phases = [:]
    kernels = []
    let profiled = records.dropFirst(measuredSteps)
    split(
      profile, steps: Double(measuredSteps), seconds: profiled.reduce(0) { $0 + $1.stepSeconds },
      update: profiled.reduce(0) { $0 + $1.phases[.update] })
  }

  /// - Parameter update: seconds of the optimiser.
  private mutating func split(_ profile: StepProfile, steps: Double, seconds: Double, update: Double) {
    phases["update"] = update / steps
    var rest = seconds - update
    for phase in StepProfile.Phase.allCases {
      let spent = profile.seconds(in: phase)
      phases[name(phase)] = spent / steps
      rest -= spent
    }
    phases["reduction_and_wait"] = rest / steps
    kernels = profile.entries.map { entry in
      let rate = entry.work / entry.seconds
      return Kernel(
        phase: name(entry.phase), kernel: name(entry.kernel), seconds: entry.seconds / steps,
        flopsPerSecond: entry.kernel.isArithmetic ? rate : nil,
        bytesPerSecond: entry.kernel.isArithmetic ? nil : rate, ofCeiling: rate / ceiling.rate(for: entry))
    }
  }

  /// `backboneForward` as `backbone_forward`.
  private func name(_ value: some Any) -> String {
    "\(value)".map { $0.isUppercase ? "_" + $0.lowercased() : String($0) }.joined()
      .replacingOccurrences(of: "swi_g_l_u", with: "swiglu")
  }
}

extension TrainMeasurement {
  func show(json: Bool) throws {
    if json { return try JSONOutput.print(self) }
    print(
      "\(Amount.counted(ranks, "rank")) with \(Amount.counted(threads, "thread")) each, "
        + "matrix products by \(products.rawValue) in \(precision.rawValue)")
    var rows = [
      ["text", "\(Amount.bytes(Int(bytesPerSecond)))/s, \(Amount.large(wordsPerSecond)) words/s"],
      ["step", "\(Amount.fixed(1000 * stepSeconds, 1)) ms"],
      ["dense FLOPs", "\(Amount.large(denseFlopsPerSecond))FLOP/s"],
      ["OpenBLAS", "\(Amount.large(sgemmFlopsPerSecond))FLOP/s"],
      ["dense FLOPs / OpenBLAS", "\(Amount.fixed(100 * denseToSgemm, 1))%"],
      [
        "ceilings of a rank",
        "\(Amount.large(ceiling.flopsPerSecond))FLOP/s, cache "
          + "\(Amount.large(ceiling.cacheBytesPerSecond))B/s, memory \(Amount.large(ceiling.memoryBytesPerSecond))B/s",
      ],
      ["peak resident memory", "\(Amount.memory(peakResidentBytes)) per rank"],
    ]
    if let allocationsPerStep { rows.append(["allocations per step", Amount.fixed(allocationsPerStep, 1)]) }
    TextTable.show(rows, [.left])
    print("\nMilliseconds per step on rank 0")
    let whole = phases.values.reduce(0, +)
    TextTable.show(
      phases.sorted { $0.value > $1.value }.map {
        [$0.key, Amount.fixed(1000 * $0.value, 1), "\(Amount.fixed(100 * $0.value / whole, 1))%"]
      })
    print("\nKernels")
    TextTable.show(
      [["phase, kernel", "ms per step", "rate", "of ceiling"]]
        + kernels.sorted { $0.seconds > $1.seconds }.map { kernel in
          [
            "\(kernel.phase) \(kernel.kernel)", Amount.fixed(1000 * kernel.seconds, 2),
            kernel.flopsPerSecond.map { "\(Amount.large($0))FLOP/s" }
              ?? "\(Amount.large(kernel.bytesPerSecond!))B/s",
            "\(Amount.fixed(100 * kernel.ofCeiling, 0))%",
          ]
        })
  }
}
