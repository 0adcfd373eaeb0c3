import DistributedTestSupport
import HATDistributed
import HATStorage
import Testing

@Suite struct CommunicatorTests {
  @Test func soloConforms() throws {
    #expect(try CommunicatorConformance.failures(of: SoloCommunicator()) == [])
  }

  @Test(arguments: 1...8) func threadsConform(size: Int) throws {
    for nodes in 1...size {
      let failures = try ThreadCommunicator.run(size: size, nodes: nodes) {
        try CommunicatorConformance.failures(of: $0)
      }
      #expect(failures == Array(repeating: [], count: size), "\(nodes) nodes")
    }
  }

  @Test func ranksOfANodeAreNeighboursOrNot() throws {
    for labels in [[0, 1, 0, 1, 0], [2, 2, 1, 1, 2], [0, 0, 0, 1]] {
      let failures = try ThreadCommunicator.run(on: NodeMap(labels: labels)) {
        try CommunicatorConformance.failures(of: $0)
      }
      #expect(failures == labels.map { _ in [] }, "\(labels)")
    }
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
