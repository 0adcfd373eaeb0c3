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
        ["bash", "-c", "ulimit \(limit); OPENBLAS_NUM_THREADS=1 exec \"$@\"", "bash", Program.path]
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
