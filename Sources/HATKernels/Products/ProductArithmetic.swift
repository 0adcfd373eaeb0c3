/// How the elements of a matrix product are computed. Results differ by roundings; either depends on nothing but the
/// terms of the element and where they lie in its sum.
public enum ProductArithmetic: String, Sendable, Codable, CaseIterable {
  /// One chain of fused multiply-adds, in the order of the terms: the same bits on every processor.
  case fusedMultiplyAdds = "fma"
  /// Every factor in three bfloat16 whose sum it is; the six products of parts that a float32 can tell, summed as floats
  /// on the processor's matrix tiles. No less exact than `fusedMultiplyAdds` (`TileProduct`), and the same bits on
  /// every processor that has tiles.
  case matrixTiles = "amx"

  /// Whether this processor can.
  public var isAvailable: Bool { self == .fusedMultiplyAdds || Processor.hasMatrixTiles }
  /// Those this processor can.
  public static var available: [ProductArithmetic] { allCases.filter(\.isAvailable) }
  /// The fastest this processor can.
  public static var fastest: ProductArithmetic {
    Processor.hasMatrixTiles ? .matrixTiles : .fusedMultiplyAdds
  }
}
