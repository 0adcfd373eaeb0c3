import DistributedTestSupport
import HATDistributed
import HATStorage
import Testing

@Suite struct ThreadChoiceTests {
  @Test(arguments: [(1, 1, 1), (1, 2, 2), (2, 2, 1), (2, 7, 3), (4, 2, 1)])
  func threadsTakeTheCoresThatRanksLeave(ranks: Int, cores: Int, threads: Int) throws {
    let choice = try ThreadChoice(wanted: nil, ranks: ranks, cores: cores)
    #expect(choice.threads == threads)
    #expect(choice.reason.contains("\(threads) thread"))
  }

  @Test func whatIsAskedForIsKeptOrRefused() throws {
    #expect(try ThreadChoice(wanted: 2, ranks: 2, cores: 8).threads == 2)
    let error = #expect(throws: UserError.self) { try ThreadChoice(wanted: 3, ranks: 2, cores: 4) }
    #expect(error?.kind == .wrongUsage)
  }

  @Test func threadsAskedForAreKeptWhereRanksMayBeOnOtherMachines() throws {
    func threads(_ wanted: Int?, hasHostfile: Bool = false, isAllocation: Bool = false) throws -> Int {
      try ThreadChoice.threadsPerRank(
        wanted: wanted, ranks: 2, hasHostfile: hasHostfile, isAllocation: isAllocation, cores: 4)
    }
    #expect(try threads(3, isAllocation: true) == 3)
    #expect(try threads(nil, isAllocation: true) == 2)
    #expect(try threads(3, hasHostfile: true) == 3)
    #expect(try threads(nil, hasHostfile: true) == 1)
    #expect(throws: UserError.self) { try threads(3) }
  }

  @Test func aRankUsesTheCoresItIsBoundTo() throws {
    func threads(_ cores: Int, of machine: Int) throws -> [Int] {
      try ThreadCommunicator.run(size: 4, nodes: 2) {
        try ThreadChoice(wanted: nil, on: $0, cores: cores, machineCores: machine).threads
      }
    }
    #expect(try threads(1, of: 8) == [1, 1, 1, 1])
    #expect(try threads(4, of: 8) == [4, 4, 4, 4])
    #expect(try threads(8, of: 8) == [4, 4, 4, 4])
    #expect(try ThreadChoice(wanted: nil, on: SoloCommunicator(), cores: 3, machineCores: 8).threads == 3)
  }
}
