import CXSMM
import Glibc
import HATKernels
import Testing

/// What LIBXSMM makes kernels for. Whatever a job's environment names as `LIBXSMM_TARGET`,
/// products have the same bits. Each test has a process of its own, because LIBXSMM reads the variable once.
@Suite struct LibraryKernelTests {
  /// Kernels for such processors round products and sums separately.
  @Test func aTargetWithoutFusedMultiplyAddsIsNotUsed() async {
    await #expect(processExitsWith: .success) {
      setenv("LIBXSMM_TARGET", "snb", 1)
      precondition(productIsOneChain())
    }
  }

  /// For such processors LIBXSMM makes no kernels.
  @Test func neitherIsOneWithoutKernels() async {
    await #expect(processExitsWith: .success) {
      setenv("LIBXSMM_TARGET", "generic", 1)
      precondition(productIsOneChain())
    }
  }

  /// Knights Mill has instructions that no other processor has.
  @Test func neitherIsOneThatTheProcessorIsNot() async {
    await #expect(processExitsWith: .success) {
      setenv("LIBXSMM_TARGET", "knm", 1)
      precondition(productIsOneChain())
    }
  }

  /// What the tests of kernels are run with once more (scripts/test).
  @Test func oneWithNarrowerRegistersIsUsed() async {
    await #expect(processExitsWith: .success) {
      setenv("LIBXSMM_TARGET", "hsw", 1)
      precondition(productIsOneChain() && hat_product_lanes() == 8)
    }
  }
}

private func productIsOneChain() -> Bool {
  var generator = SeededGenerator(seed: 17)
  let x = TestMatrix(random: 5, 9, using: &generator)
  let weight = TestMatrix(random: 32, 9, using: &generator)
  let y = TestMatrix(5, 32)
  MatrixProduct.linear(x.view, weight: LinearWeight(weight.constant), into: y.view, by: .fusedMultiplyAdds)
  return (0..<5).allSatisfy { row in
    (0..<32).allSatisfy { column in
      y[row, column] == (0..<9).reduce(Float(0)) { $0.addingProduct(x[row, $1], weight[column, $1]) }
    }
  }
}
