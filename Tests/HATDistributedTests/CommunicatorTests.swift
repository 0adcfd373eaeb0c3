import DistributedTestSupport
import HATDistributed
import HATStorage
import Testing

@Suite struct CommunicatorTests {
  @Test func soloConforms() throws {
    #expect(try CommunicatorConformance.failures(of: SoloCommunicator()) == [])
  }

  @Test(arguments: 1...8) func threadsConform(size: Int) throws {
    let failures = try ThreadCommunicator.run(size: size) { try CommunicatorConformance.failures(of: $0) }
    #expect(failures == Array(repeating: [], count: size))
  }

  @Test(arguments: 2...5) func aRankThatThrowsReleasesTheOthers(size: Int) {
    let error = UserError(.invalidData, at: "here", "it is broken", hint: "Mend it.")
    #expect(throws: error) {
      try ThreadCommunicator.run(size: size) { communicator in
        if communicator.rank == size - 1 { throw error }
        for _ in 0..<10 { try communicator.barrier() }
      }
    }
  }

  @Test func aRankThatLeavesReleasesTheOthers() {
    #expect(throws: CommunicationFailure.self) {
      try ThreadCommunicator.run(size: 3) { communicator in
        if communicator.rank != 1 { try communicator.barrier() }
      }
    }
  }

  @Test func ranksOutOfStepAreAnError() {
    #expect(throws: CommunicationFailure.self) {
      try ThreadCommunicator.run(size: 2) { communicator in
        if communicator.rank == 0 {
          try communicator.barrier()
        } else {
          _ = try [1, 2, 3].withUnsafeBytes { try communicator.allGather($0) }
        }
      }
    }
  }
}
