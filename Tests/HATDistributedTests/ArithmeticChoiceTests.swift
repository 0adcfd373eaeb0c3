import DistributedTestSupport
import Foundation
import HATCore
import HATKernels
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct ArithmeticChoiceTests {
  /// - Parameters:
  ///   - tiles: whether each rank's processor has them.
  ///   - rates: of `fma` and `amx`, on each rank.
  private func choice(
    _ wanted: ProductInstructions?, in precision: Precision = .float32, before: ProductInstructions? = nil,
    tiles: [Bool], pairs: Bool = false, rates: [(fma: Double, others: Double)]? = nil
  ) throws -> Set<String> {
    let choices = try ThreadCommunicator.run(size: tiles.count) { communicator in
      let available: [ProductInstructions] =
        [.fusedMultiplyAdds] + (pairs ? [.brainFloatPairs] : [])
        + (tiles[communicator.rank] ? [.matrixTiles] : [])
      return try ArithmeticChoice(
        precision, by: wanted, before: before, on: communicator, available: available
      ) { arithmetic in
        let (fma, others) = rates?[communicator.rank] ?? (100e9, 200e9)
        return arithmetic.instructions == .fusedMultiplyAdds ? fma : others
      }
    }
    #expect(Set(choices.map(\.arithmetic)).count == 1)
    return Set(choices.map(\.reason))
  }

  @Test func tilesAreUsedWhereEveryRankHasThem() throws {
    #expect(
      try choice(nil, tiles: [true, true])
        == ["matrix products by amx: measured on this model's shapes, GFLOP/s a thread: fma 100, amx 200"])
    #expect(
      try choice(nil, tiles: [true, false])
        == ["matrix products by fma: the only way that every processor here has"])
    #expect(try choice(.fusedMultiplyAdds, tiles: [true, true]) == ["matrix products by fma: as asked for"])
    #expect(try choice(.matrixTiles, tiles: [true, true]) == ["matrix products by amx: as asked for"])
  }

  @Test func aRunGoesOnAsBeforeWhereItCan() throws {
    for before in [ProductInstructions.fusedMultiplyAdds, .matrixTiles] {
      #expect(
        try choice(nil, before: before, tiles: [true, true])
          == ["matrix products by \(before.rawValue): as at the run's last start"])
    }
    #expect(
      try choice(nil, before: .matrixTiles, tiles: [false, true])
        == ["matrix products by fma: the only way that every processor here has"])
    #expect(
      try choice(.fusedMultiplyAdds, before: .matrixTiles, tiles: [true, true])
        == ["matrix products by fma: as asked for"])
  }

  @Test func theSlowestRankDecidesAndNoiseDoesNot() throws {
    #expect(
      try choice(nil, tiles: [true, true], rates: [(100e9, 300e9), (100e9, 50e9)])
        == ["matrix products by fma: measured on this model's shapes, GFLOP/s a thread: fma 100, amx 50"])
    #expect(
      try choice(nil, tiles: [true], rates: [(100e9, 110e9)]).first?.hasPrefix("matrix products by fma")
        == true)
  }

  @Test func bf16IsByInstructionsWhereTheyAreFasterAndAnywhereByConversion() throws {
    let chosen = try choice(nil, in: .bf16, tiles: [false, false], pairs: true)
    #expect(chosen.first?.hasPrefix("matrix products by avx512_bf16 in bf16: measured") == true)
    let converted = try choice(nil, in: .bf16, tiles: [false, false])
    #expect(converted.first?.hasPrefix("matrix products by fma in bf16: the only way") == true)
    #expect(converted.first?.contains("many times slower than training.precision float32") == true)
  }

  @Test func instructionsServeTheirPrecisionAlone() throws {
    let error = #expect(throws: UserError.self) {
      try choice(.brainFloatPairs, in: .float32, tiles: [true], pairs: true)
    }
    #expect(error?.kind == .configuration)
    #expect(error?.description.contains("training.precision float32") == true)
  }

  /// What a trial on this machine's own processor says is a rate.
  @Test func aTrialMeasuresTheShapesOfAModel() {
    let trial = ProductTrial(Configuration())
    for arithmetic in ProductArithmetic.available {
      #expect(trial.flopsPerSecond(by: arithmetic) > 1e7)
    }
    #expect(ProductArithmetic.available(.bf16).contains(trial.fastest(.bf16)))
  }

  @Test func whatARunUsedLastIsKnownFromItsFolder() throws {
    let folder = TemporaryFolder()
    var run = ToyRun(folder: folder.path)
    #expect(try RunDescription(ofRun: FilePath(run.folder)) == nil)
    run.arithmetic = .matrixTiles
    _ = try run.train(ranks: 1, stopAfter: 7)
    #expect(try RunDescription(ofRun: FilePath(run.folder))?.productsUsed == .matrixTiles)
    // Of a version that knew but one.
    let file = folder.appending("run.json")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let without = text.split(separator: "\n").filter { !$0.contains("\"products\"") }
    try without.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try RunDescription(ofRun: FilePath(run.folder))?.productsUsed == .fusedMultiplyAdds)
  }

  @Test func whatARankCannotDoIsRefusedOnEveryRankByItsNumber() throws {
    let error = #expect(throws: UserError.self) {
      try choice(.matrixTiles, tiles: [true, false, true, false])
    }
    #expect(error?.kind == .configuration)
    #expect(error?.description.contains("these ranks run: 1, 3") == true)
    #expect(error?.description.contains("fma") == true)
  }
}
