/// What the factors of a matrix product are rounded to. Sums are floats in any case.
public enum Precision: String, Sendable, Codable, CaseIterable {
  /// Floats, not rounded.
  case float32
  /// Floats of sixteen bits (bfloat16), to the nearest, ties to even; denormals become zero.
  case bf16
}

/// The instructions that compute matrix products.
public enum ProductInstructions: String, Sendable, Codable, CaseIterable {
  /// Fused multiply-adds of floats, on every processor.
  case fusedMultiplyAdds = "fma"
  /// VDPBF16PS, which multiplies pairs of bfloat16 (AVX512-BF16).
  case brainFloatPairs = "avx512_bf16"
  /// Matrix tiles, which multiply bfloat16 (Intel AMX).
  case matrixTiles = "amx"

  /// Whether this processor has them.
  public var areAvailable: Bool {
    switch self {
    case .fusedMultiplyAdds: true
    case .brainFloatPairs: Processor.hasBrainFloatPairs
    case .matrixTiles: Processor.hasMatrixTiles
    }
  }
}

/// How the elements of a matrix product are computed. Two arithmetics of the same precision differ only in how sums are
/// rounded. An element depends on nothing but its terms and their places in its sum.
public struct ProductArithmetic: Sendable, Hashable {
  public let precision: Precision
  public let instructions: ProductInstructions

  /// - Returns: nil if those instructions do not serve that precision.
  public init?(_ precision: Precision, by instructions: ProductInstructions) {
    guard Self.all.contains(where: { $0.precision == precision && $0.instructions == instructions }) else {
      return nil
    }
    self.init(precision: precision, instructions: instructions)
  }

  private init(precision: Precision, instructions: ProductInstructions) {
    (self.precision, self.instructions) = (precision, instructions)
  }

  /// One chain of fused multiply-adds, in the order of the terms: the same bits on every processor.
  public static let fusedMultiplyAdds = Self(precision: .float32, instructions: .fusedMultiplyAdds)
  /// Each factor is split into three bfloat16 whose sum it is; the six products of parts that matter in a float32 are
  /// summed as floats on the processor's matrix tiles (see `TileProduct`). It is as accurate as `fusedMultiplyAdds` or
  /// better, and gives the same bits on every processor that has tiles.
  public static let matrixTiles = Self(precision: .float32, instructions: .matrixTiles)
  /// Factors are rounded to bfloat16; pairs of terms are added to one chain of sums (see `PairProduct`).
  public static let brainFloatPairs = Self(precision: .bf16, instructions: .brainFloatPairs)
  /// Factors are rounded to bfloat16, and multiplied on the processor's matrix tiles (see `TileProduct`).
  public static let brainFloatTiles = Self(precision: .bf16, instructions: .matrixTiles)
  /// The bits of `brainFloatPairs` on every processor, slowly.
  public static let brainFloatByConversion = Self(precision: .bf16, instructions: .fusedMultiplyAdds)

  public static let all: [ProductArithmetic] = [
    .fusedMultiplyAdds, .matrixTiles, .brainFloatByConversion, .brainFloatPairs, .brainFloatTiles,
  ]

  public var isAvailable: Bool { instructions.areAvailable }
  /// Whether results are the same to the last bit.
  public func hasSameBits(as other: ProductArithmetic) -> Bool {
    let way = (precision, instructions == .matrixTiles)
    return way == (other.precision, other.instructions == .matrixTiles)
  }
  /// For products of few rows: splitting the weights for tiles would cost more than it saves.
  public static func ofFewRows(_ precision: Precision) -> ProductArithmetic {
    switch precision {
    case .float32: .fusedMultiplyAdds
    case .bf16: Processor.hasBrainFloatPairs ? .brainFloatPairs : .brainFloatByConversion
    }
  }
  /// For an optimiser's products, which stay in float32.
  public var ofUpdates: ProductArithmetic {
    instructions == .matrixTiles ? .matrixTiles : .fusedMultiplyAdds
  }

  /// Those that this processor has.
  public static var available: [ProductArithmetic] { all.filter(\.isAvailable) }
  /// Those of a precision that this processor has.
  public static func available(_ precision: Precision) -> [ProductArithmetic] {
    available.filter { $0.precision == precision }
  }
}

extension ProductArithmetic: CustomStringConvertible {
  public var description: String {
    switch precision {
    case .float32: instructions.rawValue
    case .bf16: "\(instructions.rawValue) in bf16"
    }
  }
}
