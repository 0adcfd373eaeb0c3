import HATCore
import HATKernels

/// The speed of cores of this machine in matrix products.
struct CoreRate {
  let products: ProductArithmetic
  let flopsPerSecond: Double

  /// Measures one core, with the arithmetic that training the configuration would use here.
  init(for configuration: Configuration) {
    self.init(configuration.productsHere, threads: 1)
  }

  /// Measures as many cores as threads, together.
  init(_ products: ProductArithmetic, threads: Int) {
    self.products = products
    flopsPerSecond = MatrixProductRate.own(products, WorkerPool(threads: threads))
  }

  /// The fraction of it that training reaches, as measured by `benchmark train`.
  var expectedFraction: Double {
    switch products {
    case .matrixTiles: 0.5
    default: 0.6
    }
  }

  /// Floating-point operations a second expected in training.
  var trainingFlopsPerSecond: Double { flopsPerSecond * expectedFraction }
}
