import HATKernels
import HATStorage
import Testing

@testable import HATDistributed

@Suite struct ArithmeticChoiceTests {
  private func choice(_ wanted: ProductArithmetic?, tiles: [Bool]) throws -> Set<String> {
    let choices = try ThreadCommunicator.run(size: tiles.count) { communicator in
      try ArithmeticChoice(wanted, on: communicator, hasTiles: tiles[communicator.rank])
    }
    #expect(Set(choices.map(\.arithmetic)).count == 1)
    return Set(choices.map(\.reason))
  }

  @Test func tilesAreUsedWhereEveryRankHasThem() throws {
    #expect(try choice(nil, tiles: [true, true]).first?.hasPrefix("matrix products by amx: every") == true)
    #expect(
      try choice(nil, tiles: [true, false]).first?.hasPrefix("matrix products by fma: not every") == true)
    #expect(try choice(.fusedMultiplyAdds, tiles: [true, true]) == ["matrix products by fma: as asked for"])
    #expect(try choice(.matrixTiles, tiles: [true, true]) == ["matrix products by amx: as asked for"])
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
