import Foundation
import Testing

extension EndToEnd {
  @Suite("Communicators")
  struct CommunicatorConformanceTests {
    private let program = URL(fileURLWithPath: Program.path).deletingLastPathComponent()
      .appendingPathComponent("CommunicatorConformance").path

    /// Messages of 1000 bytes: the suite's longer buffers go in several.
    @Test("The MPI communicator does what the others do", arguments: 1...8)
    func inChunks(ranks: Int) {
      let output = ChildProcess.run(mpirun(ranks, chunkBytes: 1000), timeLimit: 60)
      #expect(output.exitCode == 0, "\(output.description)")
    }

    @Test("The same in single messages", arguments: [2, 3])
    func whole(ranks: Int) {
      let output = ChildProcess.run(mpirun(ranks, chunkBytes: 1 << 28), timeLimit: 60)
      #expect(output.exitCode == 0, "\(output.description)")
    }

    private func mpirun(_ ranks: Int, chunkBytes: Int) -> [String] {
      Program.mpirun(ranks: ranks).dropLast() + [program, String(chunkBytes)]
    }
  }
}
