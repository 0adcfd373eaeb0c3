import Foundation
import HATCore
import HATDistributed
import HATKernels

/// What `benchmark train` found.
struct TrainMeasurement: Encodable {
  var ranks: Int
  var threads: Int
  /// How matrix products were computed.
  var products: ProductArithmetic
  /// Median over the measured steps.
  var stepSeconds: Double
  var bytesPerSecond: Double
  var wordsPerSecond: Double
  var denseFlopsPerSecond: Double
  /// Of all ranks at once.
  var sgemmFlopsPerSecond: Double
  var denseToSgemm: Double
  /// Of rank 0 while all ranks are at work.
  var ceiling: MachineCeiling
  /// On the rank with the most, reading text left out.
  var allocationsPerStep: Double
  /// Of the rank with the most; pages that ranks share are divided by their number.
  var peakResidentBytes: Int
  /// Seconds a step, on rank 0.
  var phases: [String: Double]
  var kernels: [Kernel]

  /// One kernel in one phase, on rank 0.
  struct Kernel: Encodable {
    var phase: String
    var kernel: String
    /// A step.
    var seconds: Double
    /// Floating-point operations a second; nil for kernels that only move data.
    var flopsPerSecond: Double?
    /// Bytes read and written a second; nil for arithmetic.
    var bytesPerSecond: Double?
    /// Its rate as a part of the ceiling's.
    var ofCeiling: Double
  }

  init(
    records: ArraySlice<StepRecord>, measuredSteps: Int, profile: StepProfile, allocations: Int,
    peakBytes: Int, sgemm: Double, ceiling: MachineCeiling, communicator: any Communicator
  ) throws {
    let peaks = try communicator.values(Double(peakBytes))
    let counts = try communicator.values(Double(allocations) / Double(measuredSteps))
    ranks = communicator.size
    threads = 1
    products = .fusedMultiplyAdds
    sgemmFlopsPerSecond = sgemm
    self.ceiling = ceiling
    allocationsPerStep = counts.max()!
    peakResidentBytes = Int(peaks.max()!)
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
    split(profile, steps: Double(measuredSteps), seconds: profiled.reduce(0) { $0 + $1.stepSeconds })
  }

  private mutating func split(_ profile: StepProfile, steps: Double, seconds: Double) {
    var rest = seconds
    for phase in StepProfile.Phase.allCases {
      let spent = profile.seconds(in: phase)
      phases[name(phase)] = spent / steps
      rest -= spent
    }
    phases["reduction_and_update"] = rest / steps
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
      "\(ranks) \(ranks == 1 ? "rank" : "ranks"), \(threads) \(threads == 1 ? "thread" : "threads") each, products by \(products.rawValue)"
    )
    TextTable.show([
      ["text", "\(Amount.bytes(Int(bytesPerSecond)))/s, \(Amount.large(wordsPerSecond)) words/s"],
      ["step", "\(Amount.fixed(1000 * stepSeconds, 1)) ms"],
      ["dense count", "\(Amount.large(denseFlopsPerSecond))FLOP/s"],
      ["library products", "\(Amount.large(sgemmFlopsPerSecond))FLOP/s"],
      ["dense count to library", "\(Amount.fixed(100 * denseToSgemm, 1))%"],
      [
        "a rank's ceilings",
        "\(Amount.large(ceiling.flopsPerSecond))FLOP/s, cache "
          + "\(Amount.large(ceiling.cacheBytesPerSecond))B/s, memory \(Amount.large(ceiling.memoryBytesPerSecond))B/s",
      ],
      ["allocations a step", Amount.fixed(allocationsPerStep, 1)],
      ["peak resident memory", "\(Amount.memory(peakResidentBytes)) a rank"],
    ])
    print("\nMilliseconds a step on rank 0")
    TextTable.show(phases.sorted { $0.value > $1.value }.map { [$0.key, Amount.fixed(1000 * $0.value, 1)] })
    print("\nKernels")
    TextTable.show(
      [["phase, kernel", "ms a step", "rate", "of its ceiling"]]
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
