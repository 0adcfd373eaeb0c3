import DistributedTestSupport
import Foundation
import HATKernels
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct ArithmeticChoiceTests {
  private func choice(
    _ wanted: ProductArithmetic?, began: ProductArithmetic? = nil, tiles: [Bool]
  ) throws -> Set<String> {
    let choices = try ThreadCommunicator.run(size: tiles.count) { communicator in
      try ArithmeticChoice(wanted, began: began, on: communicator, hasTiles: tiles[communicator.rank])
    }
    #expect(Set(choices.map(\.arithmetic)).count == 1)
    return Set(choices.map(\.reason))
  }

  @Test func tilesAreUsedWhereEveryRankHasThem() throws {
    #expect(
      try choice(nil, tiles: [true, true]).first?.hasPrefix("matrix products by amx: the fastest") == true)
    #expect(
      try choice(nil, tiles: [true, false]).first?.hasPrefix("matrix products by fma: the fastest") == true)
    #expect(try choice(.fusedMultiplyAdds, tiles: [true, true]) == ["matrix products by fma: as asked for"])
    #expect(try choice(.matrixTiles, tiles: [true, true]) == ["matrix products by amx: as asked for"])
  }

  @Test func aRunGoesOnAsItBeganWhereItCan() throws {
    for began in ProductArithmetic.allCases {
      #expect(
        try choice(nil, began: began, tiles: [true, true])
          == ["matrix products by \(began.rawValue): as the run began"])
    }
    #expect(
      try choice(nil, began: .matrixTiles, tiles: [false, true])
        == ["matrix products by fma: the fastest that every processor here has"])
    #expect(
      try choice(.fusedMultiplyAdds, began: .matrixTiles, tiles: [true, true])
        == ["matrix products by fma: as asked for"])
  }

  @Test func howARunBeganIsKnownFromItsFolder() throws {
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
