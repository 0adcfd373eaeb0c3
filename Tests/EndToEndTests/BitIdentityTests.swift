import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// The number of ranks changes nothing, to the last bit.
  @Suite("Bit-identity")
  struct BitIdentityTests {
    @Test(
      "1, 2 and 4 ranks give the same losses and weights, at every ZeRO stage",
      arguments: [("adamw", "float32"), ("muon", "float32"), ("muon", "bf16")])
    func rankCounts(optimizer: String, precision: String) throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus()
      let configuration = try scratch.configuration([
        "training.optimizer": optimizer, "model.byte_ngrams": "4", "model.byte_ngram_rows": "100",
        "model.prefix_ngrams": "2", "model.prefix_ngram_rows": "150", "training.precision": precision,
      ])
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output"]

      let alone = RunFolder(path: scratch.file("alone"))
      let aloneOutput = Program.run(arguments + [alone.path])
      try #require(aloneOutput.exitCode == 0, "\(aloneOutput.description)")
      let (results, weights) = (try alone.results(), tensors(in: try alone.exportedWeights()))
      #expect(results.count == 12)

      for (ranks, stage) in [(1, 1), (2, 0), (2, 2), (4, 1), (4, 3)] {
        let run = RunFolder(path: scratch.file("ranks-\(ranks)-\(stage)"))
        let output = Program.run(
          arguments + [run.path, "--set", "training.zero_stage=\(stage)"], ranks: ranks)
        try #require(output.exitCode == 0, "\(output.description)")
        #expect(try run.results() == results, "\(ranks) ranks, stage \(stage)")
        #expect(tensors(in: try run.exportedWeights()) == weights, "\(ranks) ranks, stage \(stage)")
      }
    }

    /// Of the processors that a run meets, those without instructions for bfloat16 go on with the same bits.
    @Test("bf16 by conversion continues a run to the last bit, after a kill, and float32 is another run")
    func precision() throws {
      let scratch = try Scratch()
      let (steps, corpus) = (60, try scratch.corpus())
      let configuration = try scratch.configuration([
        "training.steps": String(steps), "output.checkpoint_every": "20", "training.precision": "bf16",
        "training.products": ProcessorFlags.contain("avx512_bf16") ? "avx512_bf16" : "fma",
      ])
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output"]
      let undisturbed = RunFolder(path: scratch.file("undisturbed"))
      try #require(Program.run(arguments + [undisturbed.path]).exitCode == 0)

      let run = RunFolder(path: scratch.file("killed"))
      let job = ChildProcess(Program.mpirun(ranks: 2) + arguments + [run.path])
      #expect(eventually(within: 60) { run.stepCount >= 22 })
      try #require(RankProcess.signal(SIGKILL, rank: 1, run: run.path), "the rank had ended")
      #expect(job.wait().exitCode != 0)
      let float32 = ["--set", "training.precision=float32", "--set", "training.products=auto"]
      let refused = Program.run(arguments + [run.path] + float32)
      #expect(refused.exitCode == 78)
      #expect(refused.description.contains("training.precision: bf16, float32"), "\(refused.description)")
      let output = Program.run(arguments + [run.path, "--set", "training.products=fma"], ranks: 4)
      try #require(output.exitCode == 0, "\(output.description)")
      #expect(try run.results() == undisturbed.results())
      #expect(try tensors(in: run.exportedWeights()) == tensors(in: undisturbed.exportedWeights()))

      let exact = RunFolder(path: scratch.file("float32"))
      let exactOutput = Program.run(arguments + [exact.path] + float32)
      try #require(exactOutput.exitCode == 0, "\(exactOutput.description)")
      #expect(try exact.results() != undisturbed.results())
      let wrong = Program.run(
        arguments + [scratch.file("wrong")] + float32 + ["--set", "training.products=avx512_bf16"])
      #expect(wrong.exitCode == 78)
      #expect(wrong.description.contains("These do: auto, fma, amx"), "\(wrong.description)")
    }

    /// Without the header of the safetensors file, which holds the configuration, and so the stage.
    private func tensors(in file: Data) -> Data {
      let headerLength = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      return file.dropFirst(8 + headerLength)
    }

    /// Where processors have matrix tiles, the other tests here compute with those.
    @Test("train --ranks starts mpirun itself, with the same result: by fma, whatever the processor")
    func ownLaunch() throws {
      let scratch = try Scratch()
      let (corpus, configuration) = (try scratch.corpus(), try scratch.configuration())
      let arguments = [
        "train", "--config", configuration, "--data", corpus, "--set", "training.products=fma", "--output",
      ]
      let (alone, launched) = (
        RunFolder(path: scratch.file("alone")), RunFolder(path: scratch.file("launched"))
      )
      let aloneOutput = Program.run(arguments + [alone.path])
      try #require(aloneOutput.exitCode == 0, "\(aloneOutput.description)")
      let output = Program.run(arguments + [launched.path, "--ranks", "2"])
      try #require(output.exitCode == 0, "\(output.description)")
      #expect(try launched.results() == alone.results())
      #expect(try launched.exportedWeights() == alone.exportedWeights())
    }

    @Test(
      "A run stopped and resumed on another number of ranks is the undisturbed run",
      arguments: [(1, 4, "adamw"), (4, 2, "muon")])
    func resumedElsewhere(first: Int, second: Int, optimizer: String) throws {
      let scratch = try Scratch()
      let steps = 300
      let corpus = try scratch.corpus()
      let configuration = try scratch.configuration([
        "training.steps": String(steps), "output.checkpoint_every": "100",
        "training.optimizer": optimizer, "model.byte_ngrams": "4", "model.byte_ngram_rows": "100",
        "model.prefix_ngrams": "2", "model.prefix_ngram_rows": "150",
      ])
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output"]
      let undisturbed = RunFolder(path: scratch.file("undisturbed"))
      try #require(Program.run(arguments + [undisturbed.path], ranks: 2).exitCode == 0)

      let run = RunFolder(path: scratch.file("resumed"))
      let job = ChildProcess(Program.mpirun(ranks: first) + arguments + [run.path])
      #expect(eventually(within: 60) { run.stepCount >= 5 })
      try #require(RankProcess.signal(SIGTERM, rank: first - 1, run: run.path), "the rank had ended")
      let stopped = job.wait()
      try #require(stopped.exitCode == 75, "the signal did not stop it: \(stopped.description)")
      try #require(run.stepCount < steps, "the run had ended")
      let output = Program.run(arguments + [run.path], ranks: second)
      try #require(output.exitCode == 0, "\(output.description)")
      #expect(undisturbed.stepCount == steps)
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }
  }
}
