import HATCore
import HATKernels
import HATStorage
import SystemPackage

/// How the ranks of a run compute matrix products, all alike, and why.
public struct ArithmeticChoice: Sendable {
  public let arithmetic: ProductArithmetic
  public let reason: String

  /// Collective.
  /// - Parameters:
  ///   - wanted: nil for what the run has computed with so far, or else the fastest, where every rank's processor can.
  ///   - began: what a run that goes on has computed with.
  ///   - hasTiles: whether the calling rank's processor has matrix tiles.
  /// - Throws: `UserError` of kind `configuration` where a rank's processor cannot do what is wanted.
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
      self.init(.fusedMultiplyAdds, "not every rank's processor has matrix tiles")
    case nil:
      self.init(
        began ?? .matrixTiles, began == nil ? "every rank's processor has matrix tiles" : "as the run began")
    }
  }

  /// Of the run in that folder, or of a new one. Collective.
  /// - Throws: as `init(_:began:on:hasTiles:)`; `UserError` of kind `invalidData` where the run's description is damaged.
  public init(_ wanted: ProductArithmetic?, run: FilePath, on communicator: any Communicator) throws {
    let began = try communicator.onFirstRank { [try RunDescription.products(ofRun: run)].compactMap(\.self) }
    try self.init(wanted, began: began.first, on: communicator)
  }

  private init(_ arithmetic: ProductArithmetic, _ reason: String) {
    (self.arithmetic, self.reason) = (arithmetic, "matrix products by \(arithmetic.rawValue): \(reason)")
  }

  private static func refusal(_ communicator: any Communicator, hasTiles: Bool) throws -> UserError {
    let flags = try withUnsafeBytes(of: hasTiles) { try communicator.allGather($0) }
    let without = flags.indices.filter { flags[$0] == [0] }.map(String.init).joined(separator: ", ")
    return UserError(
      .configuration, at: "training.products: \(ProductArithmetic.matrixTiles.rawValue)",
      "no matrix tiles for bfloat16 (Intel AMX, Linux 5.16) where these ranks run: \(without)",
      hint: "Say training.products: auto, which uses them only where every rank has them, or fma.")
  }
}
