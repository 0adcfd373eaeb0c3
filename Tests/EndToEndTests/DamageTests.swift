import Foundation
import Testing

extension EndToEnd {
  /// Shards and checkpoints that were whole once.
  @Suite("Damage")
  struct DamageTests {
    let scratch: Scratch
    let corpus: String
    let configuration: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
      configuration = try scratch.configuration()
    }

    var run: RunFolder { RunFolder(path: scratch.file("run")) }

    func train(ranks: Int = 2) -> ChildProcess.Output {
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output", run.path]
      return Program.run(arguments + ["--ranks", String(ranks)])
    }

    /// The largest file of a folder: a shard, or a slice of a checkpoint.
    func largestFile(in folder: String) throws -> String {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      let files = names.filter { !$0.hasSuffix(".json") }.map { folder + "/" + $0 }
      func size(_ file: String) -> Int { FileManager.default.contents(atPath: file)?.count ?? -1 }
      return try #require(files.max { size($0) < size($1) })
    }

    enum Harm: CaseIterable { case truncated, flipped, removed }

    func harm(_ file: String, _ harm: Harm) throws {
      let place = URL(fileURLWithPath: file)
      var bytes = try Data(contentsOf: place)
      switch harm {
      case .truncated: bytes.removeLast(bytes.count / 3)
      case .flipped:
        // Early in the file: where a checkpoint holds parameters, which every command reads.
        bytes[bytes.count / 6] ^= 0x10
      case .removed:
        try FileManager.default.removeItem(at: place)
        return
      }
      try bytes.write(to: place)
    }

    @Test(
      "A shard that is cut short, changed or gone stops all ranks with one message", arguments: Harm.allCases)
    func shard(_ kind: Harm) throws {
      let shard = try largestFile(in: corpus)
      let name = URL(fileURLWithPath: shard).lastPathComponent
      try harm(shard, kind)
      expectOneMessage(train(), exitCode: kind == .removed ? 66 : 65, mentions: name)
    }

    @Test("A damaged checkpoint is named, and training goes on from the one before", arguments: Harm.allCases)
    func checkpoint(_ kind: Harm) throws {
      let first = train()
      try #require(first.exitCode == 0, "\(first.description)")
      let (results, weights) = (try run.results(), try run.exportedWeights())
      let newest = try #require(run.checkpoints().last)
      try harm(try largestFile(in: run.path + "/checkpoints/" + newest), kind)
      for command in [["generate"], ["evaluate", "--data", corpus]] {
        let reference = "\(run.path)@12"
        let output = Program.run([command[0], "--checkpoint", reference] + command.dropFirst())
        expectMistake(output, exitCode: 65, mentions: [newest])
      }
      let again = train()
      #expect(again.exitCode == 0, "\(again.description)")
      #expect(again.standardError.contains(newest), "\(again.description)")
      #expect(try run.results() == results)
      #expect(try run.exportedWeights() == weights)
    }

    @Test("A checkpoint half written is not taken for one")
    func partialCheckpoint() throws {
      try #require(train().exitCode == 0)
      let folder = run.path + "/checkpoints/"
      let newest = try #require(run.checkpoints().last)
      try FileManager.default.moveItem(atPath: folder + newest, toPath: folder + newest + ".partial")
      let again = train()
      #expect(again.exitCode == 0, "\(again.description)")
      #expect(try #require(run.checkpoints().last) == newest)
    }

    @Test(
      "A full disk: said so, exit code 73, and the run goes on when there is room again",
      .enabled(if: SmallDisk.isAllowed, "file systems may not be mounted here"))
    func fullDisk() throws {
      let disk = try SmallDisk(size: "600k")
      defer { disk.unmount() }
      try expectPreprocessingToContinue(on: disk)
      try disk.resize(to: "600k")

      let run = RunFolder(path: disk.path + "/run")
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output", run.path]
      expectOneMessage(Program.run(arguments + ["--ranks", "2"]), exitCode: 73, mentions: "full")
      try disk.resize(to: "64m")
      let output = Program.run(arguments + ["--ranks", "2"])
      #expect(output.exitCode == 0, "\(output.description)")
      try #require(train().exitCode == 0)
      #expect(try run.results() == self.run.results())
    }

    /// Preprocessing says how much room it needs, and goes on when it has it.
    func expectPreprocessingToContinue(on disk: SmallDisk) throws {
      let input = try randomDocuments()
      let corpus = disk.path + "/corpus"
      func arguments(_ output: String) -> [String] {
        ["preprocess", "--output", output, "--level", "1", "--shard-bytes", "64KiB", input]
      }
      try #require(Program.run(arguments(scratch.file("whole"))).exitCode == 0)
      expectMistake(
        Program.run(arguments(corpus)), exitCode: 73,
        mentions: ["disk is full: the rest of the corpus takes about ", " MiB, and ", " MiB are free"])
      expectOneMessage(
        Program.run(arguments(corpus), ranks: 2), exitCode: 73, mentions: "disk is full")
      try disk.resize(to: "64m")
      let output = Program.run(arguments(corpus), ranks: 2)
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try Folder.contents(corpus) == Folder.contents(scratch.file("whole")))
      try FileManager.default.removeItem(atPath: corpus)
    }

    /// Text that does not compress into a small disk.
    func randomDocuments() throws -> String {
      let lines = (0..<200).map { _ in
        let text = (0..<900).map { _ in String(UInt64.random(in: 0...UInt64.max), radix: 36) }
        return "{\"text\": \"\(text.joined(separator: " "))\"}"
      }
      return try scratch.write(lines.joined(separator: "\n"), to: "random.jsonl")
    }
  }
}
