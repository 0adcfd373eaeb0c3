import HATCore
import HATKernels
import HATStorage

/// How the ranks of a run compute matrix products, all alike, and why.
public struct ArithmeticChoice: Sendable {
  public let arithmetic: ProductArithmetic
  public let reason: String

  /// Collective.
  /// - Parameters:
  ///   - wanted: nil for the fastest that every rank's processor can.
  ///   - hasTiles: whether the calling rank's processor has matrix tiles.
  /// - Throws: `UserError` of kind `configuration` where a rank's processor cannot do what is wanted.
  public init(
    _ wanted: ProductArithmetic?, on communicator: any Communicator,
    hasTiles: Bool = Processor.hasMatrixTiles
  ) throws {
    let someHaveNone = try communicator.anyRank(says: !hasTiles)
    switch wanted {
    case .matrixTiles?:
      guard !someHaveNone else { throw try Self.refusal(communicator, hasTiles: hasTiles) }
      self.init(.matrixTiles, "as asked for")
    case .fusedMultiplyAdds?:
      self.init(.fusedMultiplyAdds, "as asked for")
    case nil:
      self.init(
        someHaveNone ? .fusedMultiplyAdds : .matrixTiles,
        someHaveNone
          ? "not every rank's processor has matrix tiles" : "every rank's processor has matrix tiles")
    }
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
