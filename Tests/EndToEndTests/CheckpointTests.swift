import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What the commands read of a run's checkpoint, and what they refuse.
  @Suite("Checkpoints")
  struct CheckpointTests {
    private static let step = 12

    let scratch: Scratch
    let train: [String]
    let text: String
    let run: String
    /// Of the run's only checkpoint.
    let checkpoint: String
    let slice: String

    init() throws {
      scratch = try Scratch()
      run = scratch.file("run")
      checkpoint = run + "/checkpoints/step-000000\(Self.step)"
      slice = checkpoint + "/slice-00000.safetensors"
      text = try scratch.write("the white whale and the ship said Ahab", to: "text.txt")
      let configuration = try scratch.configuration([
        "training.steps": String(Self.step), "output.checkpoint_every": "0",
      ])
      train = ["train", "--config", configuration, "--data", try scratch.corpus(), "--output", run]
      let output = Program.run(train)
      try #require(output.exitCode == 0, "\(output.description)")
      try #require(try RunFolder(path: run).checkpoints().count == 1)
    }

    private func evaluate(_ reference: String) -> ChildProcess.Output {
      Program.run(["evaluate", "--checkpoint", reference, "--text", text, "--json"])
    }

    private func generate(_ reference: String) -> ChildProcess.Output {
      Program.run(["generate", "--checkpoint", reference, "--prompt", "the ", "--bytes", "40"])
    }

    private func inspect() -> ChildProcess.Output { Program.run(["inspect", "checkpoint", run]) }

    @Test("evaluate and generate do not read the optimiser's moments; train and inspect verify them")
    func damagedMoment() throws {
      let (figures, written) = (evaluate(run), generate(run))
      try #require(figures.exitCode == 0 && inspect().exitCode == 0, "\(figures.description)")
      // The second moment of the last parameter.
      try FileDamage.flipBit(3, ofByte: FileDamage.length(slice) - 1, in: slice)

      for (output, before) in [(evaluate(run), figures), (generate(run), written)] {
        #expect(output.exitCode == 0, "\(output.description)")
        #expect(output.standardOutput == before.standardOutput)
        #expect(!output.standardError.contains("damaged"), "\(output.description)")
      }
      expectMistake(inspect(), exitCode: 65, mentions: [slice, "second_moment"])
      expectMistake(Program.run(train), exitCode: 65, mentions: [slice, "second_moment"])
    }

    @Test("evaluate, generate and inspect verify every parameter, and name the damaged file")
    func damagedParameter() throws {
      let header = try Data(contentsOf: URL(fileURLWithPath: slice)).prefix(8)
      let headerLength = header.reversed().reduce(0) { $0 << 8 | Int($1) }
      try FileDamage.flipBit(3, ofByte: 8 + headerLength, in: slice)
      let named = "\(run)@\(Self.step)"
      for output in [evaluate(named), generate(named), inspect(), Program.run(train)] {
        expectMistake(output, exitCode: 65, mentions: [slice, "parameters"])
      }
      for output in [evaluate(run), generate(run)] {
        expectMistake(output, exitCode: 66, mentions: [slice, "parameters", "no valid checkpoint"])
      }
    }

    @Test("A run of an earlier version is refused with what to do, and left as it is")
    func earlierVersion() throws {
      try makeEarlierVersion()
      let before = try Folder.contents(run)
      for output in [Program.run(train), evaluate(run), generate(run), inspect()] {
        expectMistake(
          output, exitCode: 78,
          mentions: [
            checkpoint, "format 1", "`hat-mpirun export` of the version that wrote it", "`hat-mpirun import`",
            "--initialize-from",
          ])
        #expect(!output.standardError.contains("damaged"), "\(output.description)")
        var after = try Folder.contents(run)
        // It names the process that looked at the run last.
        after[".lock"] = before[".lock"]
        #expect(after.keys.sorted() == before.keys.sorted())
        #expect(after.filter { before[$0.key] != $0.value }.keys.sorted() == [])
      }
    }

    /// Makes the run one that another program began: with checkpoints of format 1, and fewer settings.
    private func makeEarlierVersion() throws {
      let manifest = #"{"manifest":{"formatVersion":1,"step":12},"manifestChecksum":"0123456789abcdef"}"#
      try Data(manifest.utf8).write(to: URL(fileURLWithPath: checkpoint + "/manifest.json"))
      try change("config.yaml") {
        $0.split(separator: "\n").filter { !$0.contains("beta1:") }.joined(separator: "\n")
      }
      try change("run.json") {
        $0.replacing(/("program_checksum" : ")[0-9a-f]{16}/) { $0.1 + "0123456789abcdef" }
      }
    }

    private func change(_ name: String, _ edit: (String) -> String) throws {
      let file = URL(fileURLWithPath: run + "/" + name)
      let before = try String(contentsOf: file, encoding: .utf8)
      let after = edit(before)
      try #require(after != before, "\(before)")
      try Data(after.utf8).write(to: file)
    }
  }
}
