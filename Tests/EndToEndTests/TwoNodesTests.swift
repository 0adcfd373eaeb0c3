import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// Two network namespaces that talk TCP over a cable of their own (scripts/two-nodes).
  @Suite("Two nodes", .enabled(if: TwoNodes.areAllowed, "network namespaces may not be made here"))
  struct TwoNodesTests {
    let scratch: Scratch
    let corpus: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
    }

    private func arguments(
      steps: Int, zeroStage: Int = 1, optimizer: String = "adamw"
    ) throws -> [String] {
      let configuration = try scratch.configuration([
        "training.steps": String(steps), "training.zero_stage": String(zeroStage),
        "training.optimizer": optimizer, "output.checkpoint_every": "25",
        "model.byte_ngrams": optimizer == "muon" ? "4" : "0",
        "model.prefix_ngrams": optimizer == "muon" ? "2" : "0",
        "model.prefix_ngram_rows": optimizer == "muon" ? "150" : "auto",
      ])
      return ["train", "--config", configuration, "--data", corpus, "--ranks", "2", "--output"]
    }

    @Test(
      "Training over two nodes is training on one, to the last bit; start-up says who is where",
      arguments: [(0, "adamw"), (1, "adamw"), (3, "adamw"), (0, "muon"), (1, "muon"), (3, "muon")])
    func bitIdentity(zeroStage: Int, optimizer: String) throws {
      let arguments = try arguments(steps: 40, zeroStage: zeroStage, optimizer: optimizer)
      let (one, two) = (RunFolder(path: scratch.file("one")), RunFolder(path: scratch.file("two")))
      try #require(Program.run(arguments + [one.path]).exitCode == 0)
      let nodes = TwoNodes()
      let output = nodes.run(arguments + [two.path])
      try #require(output.exitCode == 0, "\(output.description)")
      for node in nodes.names { #expect(output.standardError.contains(node), "\(output.description)") }
      #expect(try two.results() == one.results())
      #expect(try two.exportedWeights() == one.exportedWeights())
      #expect(!nodes.exist, "the namespaces are left behind")
    }

    @Test("A cable that is pulled is found and reported; when it is back the run goes on and loses nothing")
    func pulledCable() throws {
      let arguments = try arguments(steps: 400)
      let (one, two) = (RunFolder(path: scratch.file("one")), RunFolder(path: scratch.file("two")))
      try #require(Program.run(arguments + [one.path]).exitCode == 0)
      let nodes = TwoNodes()
      let job = nodes.start(arguments + [two.path, "--step-time-limit", "2"])
      try #require(eventually(within: 60) { two.stepCount >= 60 })
      #expect(nodes.setCable("down"))
      let hangs = two.path + "/hangs"
      #expect(
        eventually(within: 60) {
          (try? FileManager.default.contentsOfDirectory(atPath: hangs).contains { $0.hasSuffix(".txt") })
            == true
        }, "no report")
      #expect(nodes.setCable("up"))
      let output = job.wait()
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(output.standardError.contains("a connection between them is down"), "\(output.description)")
      #expect(try two.results() == one.results())
      #expect(try two.exportedWeights() == one.exportedWeights())
      #expect(!nodes.exist, "the namespaces are left behind")
    }

    @Test("Whatever ends the script, the namespaces go", arguments: [SIGTERM, SIGKILL])
    func cleanUp(signal: Int32) throws {
      let nodes = TwoNodes()
      let job = nodes.start(command: ["sleep", "60"])
      try #require(eventually(within: 10) { nodes.exist && nodes.isRunning("sleep") })
      kill(try #require(job.program), signal)
      #expect(eventually(within: 10) { !nodes.exist })
      _ = job.wait()
    }
  }
}
