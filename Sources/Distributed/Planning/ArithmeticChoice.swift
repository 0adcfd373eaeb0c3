import HATCore
import HATKernels
import HATStorage
import SystemPackage

/// How all ranks of a run compute matrix products, and why.
public struct ArithmeticChoice: Sendable {
  public let arithmetic: ProductArithmetic
  public let reason: String

  private static let fastest = "the fastest that every processor here has"

  /// Collective.
  /// - Parameters:
  ///   - wanted: nil for what the run has used so far, or for a new run the fastest that every rank's processor has.
  ///   - began: what a resumed run has used so far.
  ///   - hasTiles: whether the calling rank's processor has matrix tiles.
  /// - Throws: `UserError` of kind `configuration` if a rank's processor cannot compute as wanted.
  public init(
    _ wanted: ProductArithmetic?, began: ProductArithmetic? = nil, on communicator: any Communicator,
    hasTiles: Bool = Processor.hasMatrixTiles
  ) throws {
    let someHaveNone = try communicator.anyRank(says: !hasTiles)
    switch wanted {
    case .matrixTiles?:
      guard !someHaveNone else { throw try Self.refusal(communicator, hasTiles: hasTiles) }
      self.init(.matrixTiles, "as asked for")
    case .fusedMultiplyAdds?:
      self.init(.fusedMultiplyAdds, "as asked for")
    case nil where someHaveNone:
      self.init(.fusedMultiplyAdds, Self.fastest)
    case nil:
      self.init(began ?? .matrixTiles, began == nil ? Self.fastest : "as the run began")
    }
  }

  /// For the run in a folder, or for a new one. Collective.
  /// - Throws: as `init(_:began:on:hasTiles:)`; `UserError` of kind `invalidData` if the run's description is damaged.
  public init(_ wanted: ProductArithmetic?, run: FilePath, on communicator: any Communicator) throws {
    let began = try communicator.onFirstRank { try RunDescription(ofRun: run)?.productsUsed }
    try self.init(wanted, began: began, on: communicator)
  }

  private init(_ arithmetic: ProductArithmetic, _ reason: String) {
    (self.arithmetic, self.reason) = (arithmetic, "matrix products by \(arithmetic.rawValue): \(reason)")
  }

  private static func refusal(_ communicator: any Communicator, hasTiles: Bool) throws -> UserError {
    let flags = try communicator.allGather(hasTiles)
    let without = flags.indices.filter { !flags[$0] }.map(String.init).joined(separator: ", ")
    return UserError(
      .configuration, at: "training.products: \(ProductArithmetic.matrixTiles.rawValue)",
      "no matrix tiles for bfloat16 (Intel AMX, Linux 5.16) where these ranks run: \(without)",
      hint: "Set training.products to auto, which uses them only if every rank has them, or to fma.")
  }
}
