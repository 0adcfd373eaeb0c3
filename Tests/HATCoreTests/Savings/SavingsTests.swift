import HATKernels
import HATText
import TestSupport
import Testing

@testable import HATCore

@Suite("Savings")
struct SavingsTests {
  private static let capacity = BatchCapacity(sequences: 1, sequenceWords: 256, maxWordBytes: 64)

  private static func run(
    _ module: TileRun.Module, without saving: Saving?, queryKeyNorm: Bool
  ) -> TileRun {
    var model = ModelConfiguration()
    (model.encoderLayers, model.decoderLayers, model.queryKeyNorm) = (3, 2, queryKeyNorm)
    var batches = BatchGenerator(seed: 9)
    var savings = Saving.all(of: module)
    if let saving { savings.remove(saving) }
    let run = TileRun(module, model, capacity: capacity, batches.batch(words: 90), savings)
    run.run()
    return run
  }

  /// The encoder has all of them, the decoder one.
  static let pairs: [(TileRun.Module, Saving)] =
    Saving.allCases.map { (.encoder, $0) } + [(.decoder, .rowTable)]

  @Test("Each gives what the plain path gives", arguments: pairs, [false, true])
  func plainPath(pair: (module: TileRun.Module, saving: Saving), queryKeyNorm: Bool) {
    let (module, saving) = pair
    #expect(Saving.all(of: module).contains(saving))
    let saved = Self.run(module, without: nil, queryKeyNorm: queryKeyNorm)
    let plain = Self.run(module, without: saving, queryKeyNorm: queryKeyNorm)
    #expect(distance(saved.gradient.elements, plain.gradient.elements) < 1e-5)
    #expect(distance(elements(saved.rowGradient), elements(plain.rowGradient)) < 1e-5)
    withExtendedLifetime((saved, plain)) {}
  }

  private func elements(_ matrix: MatrixView) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: matrix.base, count: matrix.rows * matrix.columns)
  }

  /// The largest difference, as a part of the largest value.
  private func distance(
    _ a: UnsafeMutableBufferPointer<Float>, _ b: UnsafeMutableBufferPointer<Float>
  ) -> Float {
    let largest = a.reduce(0) { max($0, abs($1)) }
    #expect(largest > 0)
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
  }
}
