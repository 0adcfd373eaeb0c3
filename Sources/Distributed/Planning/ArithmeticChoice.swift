import HATCore
import HATKernels
import HATStorage
import SystemPackage

/// How all ranks of a run compute matrix products, and why.
public struct ArithmeticChoice: Sendable {
  public let arithmetic: ProductArithmetic
  public let reason: String

  /// For the run in a folder, or for a new one. Collective.
  /// - Throws: as `init(_:before:on:)`; `UserError` of kind `invalidData` if the run's description is damaged.
  public init(_ configuration: Configuration, run: FilePath, on communicator: any Communicator) throws {
    let before = try communicator.onFirstRank { try RunDescription(ofRun: run)?.productsUsed }
    try self.init(configuration, before: before, on: communicator)
  }

  /// Collective.
  /// - Parameter before: what a resumed run used since its last start.
  /// - Throws: `UserError` of kind `configuration` if a rank's processor cannot compute as wanted.
  public init(
    _ configuration: Configuration, before: ProductInstructions? = nil, on communicator: any Communicator
  ) throws {
    let trial = ProductTrial(configuration)
    try self.init(
      configuration.training.precision, by: configuration.training.products, before: before, on: communicator
    ) { trial.flopsPerSecond(by: $0) }
  }

  /// Collective.
  /// - Parameters:
  ///   - wanted: nil for what the run used last, or for a new run the fastest that every rank's processor has.
  ///   - before: what a resumed run used since its last start.
  ///   - available: what the calling rank's processor has.
  ///   - measure: floating-point operations a second of the calling rank; asked on all ranks at once, only where there is a choice.
  /// - Throws: `UserError` of kind `configuration` if a rank's processor cannot compute as wanted.
  init(
    _ precision: Precision, by wanted: ProductInstructions?, before: ProductInstructions? = nil,
    on communicator: any Communicator,
    available: [ProductInstructions] = ProductInstructions.allCases.filter(\.areAvailable),
    measure: (ProductArithmetic) -> Double
  ) throws {
    func ranks(without instructions: ProductInstructions) throws -> [Int] {
      let flags = try communicator.allGather(available.contains(instructions))
      return flags.indices.filter { !flags[$0] }
    }
    if let wanted {
      guard let arithmetic = ProductArithmetic(precision, by: wanted) else {
        throw Self.refusal(wanted, "it does not compute in training.precision \(precision.rawValue)")
      }
      let without = try ranks(without: wanted)
      guard without.isEmpty else { throw Self.refusal(wanted, Self.lack(wanted, ranks: without)) }
      self.init(arithmetic, "as asked for")
      return
    }
    let candidates = try ProductArithmetic.all.filter { candidate in
      try candidate.precision == precision && ranks(without: candidate.instructions).isEmpty
    }
    if let same = candidates.first(where: { $0.instructions == before }) {
      self.init(same, "as at the run's last start")
    } else if candidates.count == 1 {
      self.init(candidates[0], "the only way that every processor here has")
    } else {
      // A step waits for the slowest rank.
      try communicator.barrier()
      let rates = try candidates.map { ($0, try communicator.allGather(measure($0)).min()!) }
      let figures = rates.map { "\($0.0.instructions.rawValue) \(Int($0.1 / 1e9))" }
      self.init(
        ProductTrial.choose(rates),
        "measured on this model's shapes, GFLOP/s a thread: \(figures.joined(separator: ", "))")
    }
  }

  private init(_ arithmetic: ProductArithmetic, _ reason: String) {
    self.arithmetic = arithmetic
    let cost =
      arithmetic == .brainFloatByConversion
      ? ". Without instructions for bf16 this is many times slower than training.precision float32" : ""
    self.reason = "matrix products by \(arithmetic): \(reason)\(cost)"
  }

  private static func lack(_ instructions: ProductInstructions, ranks: [Int]) -> String {
    let what =
      switch instructions {
      case .fusedMultiplyAdds: "fused multiply-adds (AVX2, FMA)"
      case .brainFloatPairs: "instructions for pairs of bfloat16 (AVX512-BF16)"
      case .matrixTiles: "matrix tiles for bfloat16 (Intel AMX, Linux 5.16)"
      }
    return "no \(what) where these ranks run: \(Machines.list(ranks.map(String.init)))"
  }

  private static func refusal(_ wanted: ProductInstructions, _ problem: String) -> UserError {
    UserError(
      .configuration, at: "training.products: \(wanted.rawValue)", problem,
      hint: "Set training.products to auto, which chooses the fastest that every rank has, or to fma.")
  }
}
