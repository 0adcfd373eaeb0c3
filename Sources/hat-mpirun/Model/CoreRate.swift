import HATCore
import HATKernels

/// What a core of this machine does in matrix products.
struct CoreRate {
  let products: ProductArithmetic
  let flopsPerSecond: Double

  /// Measures it, by the arithmetic the configuration would be trained with here.
  init(for configuration: Configuration) {
    products = configuration.training.productsHere
    flopsPerSecond = MatrixProductRate.own(products)
  }

  /// The part of it that training reaches, as `benchmark train` measures it.
  var expectedFraction: Double {
    switch products {
    case .fusedMultiplyAdds: 0.6
    case .matrixTiles: 0.5
    }
  }
}
