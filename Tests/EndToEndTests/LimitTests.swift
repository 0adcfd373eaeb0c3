import Foundation
import Testing

extension EndToEnd {
  /// Memory and files that the operating system limits.
  @Suite("Limits")
  struct LimitTests {
    let scratch: Scratch
    let corpus: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
    }

    private func train(_ configuration: String, _ more: [String] = []) -> [String] {
      ["train", "--config", configuration, "--data", corpus, "--output", scratch.file("run")] + more
    }

    /// - Parameter limit: of `ulimit`, such as `-v 400000`.
    private func run(_ arguments: [String], limit: String) -> ChildProcess.Output {
      ChildProcess.run(
        ["bash", "-c", "ulimit \(limit); exec \"$@\"", "bash", Program.path]
          + arguments,
        timeLimit: 60)
    }

    @Test(
      "A model larger than the machine is refused in a sentence, before it takes memory", arguments: [1, 2])
    func tooLarge(ranks: Int) throws {
      let model = Program.repository + "/configs/paper-7b.yaml"
      let output = Program.run(
        train(model) + (ranks == 1 ? [] : ["--ranks", "\(ranks)"]))
      expectOneMessage(output, exitCode: 78, mentions: "MiB before the first step, and there is room for")
      #expect(output.standardError.contains("hat-mpirun plan"), "\(output.description)")
    }

    @Test(
      "Where addresses are few, a model is refused in a sentence; one that fits trains",
      arguments: ["-v", "-d"])
    func fewAddresses(limit: String) throws {
      let model = Program.repository + "/configs/base.yaml"
      let output = run(train(model), limit: "\(limit) 1500000")
      expectOneMessage(output, exitCode: 78, mentions: "ulimit \(limit): a rank needs")
      let small = run(train(try scratch.configuration()), limit: "\(limit) 1500000")
      #expect(small.exitCode == 0, "\(small.description)")
    }

    @Test(
      "Where addresses would last for the model, but not for its threads, it is refused, too",
      arguments: [1, 2])
    func almostEnoughAddresses(ranks: Int) throws {
      let output = run(
        train(try scratch.configuration()) + (ranks == 1 ? [] : ["--ranks", "\(ranks)"]), limit: "-v 450000")
      expectOneMessage(output, exitCode: 78, mentions: "ulimit -v: a rank needs")
    }

    @Test("Where it says how many addresses are needed, as many are enough, with one thread and with two")
    func enoughAddresses() throws {
      guard ProcessInfo.processInfo.activeProcessorCount > 1 else { return }
      let configuration = try scratch.configuration(["output.evaluate_every": "4"])
      let needs = try [1, 2].map { threads in
        let few = 300_000
        let refused = run(train(configuration, ["--threads", "\(threads)"]), limit: "-v \(few)")
        expectOneMessage(refused, exitCode: 78, mentions: "ulimit -v: a rank needs")
        let message = refused.standardError.split(separator: "\n").first { $0.hasPrefix("error: ") }
        let numbers = try #require(message).split(separator: " ").compactMap { Int($0) }
        let (need, room) = (try #require(numbers.first), try #require(numbers.last))
        let enough = run(
          train(configuration, ["--threads", "\(threads)", "--resume", "never"]),
          limit: "-v \(few + (need - room + 2) * 1024)")
        #expect(enough.exitCode == 0, "\(enough.description)")
        try FileManager.default.removeItem(atPath: scratch.file("run"))
        return need
      }
      // The second thread has a stack and a heap.
      #expect(needs[1] - needs[0] >= 64, "\(needs)")
    }

    @Test("A library that would ask for refused memory without end is not asked for it")
    func refusedLibrary() throws {
      let version = run(["--version"], limit: "-v 200000")
      #expect(version.exitCode == 0 && version.seconds < 10, "\(version.description)")
      let benchmark = ["benchmark", "train", "--config", try scratch.configuration(), "--steps", "1"]
      let output = run(benchmark + ["--threads", "1"], limit: "-v 250000")
      expectOneMessage(output, exitCode: 78, mentions: "the operating system refuses 200 MiB of memory")
    }

    @Test("A file that may not grow is named, and so is one that ranks would share")
    func shortFiles() throws {
      let arguments = train(try scratch.configuration(["model.width": "256"]))
      expectMistake(run(arguments, limit: "-f 1000"), exitCode: 73, mentions: ["checkpoints", "ulimit -f"])
      for limit in ["-f 1000", "-f 5200"] {
        expectOneMessage(
          run(arguments + ["--ranks", "2"], limit: limit), exitCode: 78,
          mentions: "ulimit -f: the ranks of a node need")
      }
    }
  }
}
