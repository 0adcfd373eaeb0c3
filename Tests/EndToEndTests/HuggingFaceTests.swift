import Foundation
import Testing

extension EndToEnd {
  /// Folders for the library transformers, without the library. What it makes of them is tested in Python.
  @Suite("Folders of Hugging Face")
  struct HuggingFaceTests {
    let scratch: Scratch
    let run: String

    init() throws {
      scratch = try Scratch()
      run = try scratch.trainedRun()
    }

    private func export(_ output: String, _ options: [String] = []) -> ChildProcess.Output {
      Program.run(["export", "--checkpoint", run, "--format", "huggingface", "--output", output] + options)
    }

    @Test("Export and import give the same weights, and the folder has all that is needed")
    func roundTrip() throws {
      let (folder, again) = (scratch.file("model"), scratch.file("again"))
      #expect(export(folder).exitCode == 0)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
          "README.md", "config.json", "generation_config.json", "model.safetensors", "modeling_hat.py",
          "tokenization_hat.py", "tokenizer_config.json",
        ])
      let imported = Program.run(["import", "--weights", folder, "--output", again])
      try #require(imported.exitCode == 0, "\(imported.description)")
      let (first, second) = (RunFolder(path: run), RunFolder(path: again))
      #expect(try first.exportedWeights().suffix(4096) == second.exportedWeights().suffix(4096))
    }

    @Test("A folder that holds something, a file, a place that is not there: refused, and left as it is")
    func outputs() throws {
      let file = try scratch.write("a file", to: "file")
      for output in [scratch.path, file, scratch.file("nowhere/model"), "/dev/null"] {
        let before = try Folder.contents(scratch.path)
        expectMistake(export(output), exitCode: 73, mentions: [output])
        #expect(try Folder.contents(scratch.path) == before)
      }
    }

    @Test(
      "An export that a full disk stops leaves no folder",
      .enabled(if: SmallDisk.isAllowed, "file systems may not be mounted here"))
    func fullDisk() throws {
      let disk = try SmallDisk(size: "64k")
      defer { disk.unmount() }
      expectMistake(export(disk.path + "/model"), exitCode: 73, mentions: ["model"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
    }

    @Test("What a folder does not say truly is refused")
    func hostileFolders() throws {
      let folder = scratch.file("model")
      #expect(export(folder).exitCode == 0)
      let path = folder + "/config.json"
      let config = try String(contentsOfFile: path, encoding: .utf8)
      func expectRefused(_ text: String, exitCode: Int32 = 65, mentions words: [String]) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let output = scratch.file("again")
        expectMistake(
          Program.run(["import", "--weights", folder, "--output", output]), exitCode: exitCode,
          mentions: words)
        #expect(!FileManager.default.fileExists(atPath: output + "/checkpoints"))
      }
      try expectRefused("", mentions: ["config.json"])
      try expectRefused("{}", mentions: ["hat"])
      try expectRefused(
        config.replacingOccurrences(of: "\"width\" : 32", with: "\"width\" : 64"), mentions: ["width"])
      // Both agree, but not with the weights.
      try expectRefused(
        config.replacingOccurrences(of: "\"layers\" : 2", with: "\"layers\" : 3")
          .replacingOccurrences(of: "  layers: 2 ", with: "  layers: 3 "), mentions: ["backbone.layers.2"])
      try expectRefused(
        config.replacingOccurrences(of: "whitespace-v1", with: "whitespace-v9"), mentions: ["whitespace-v9"])
      try config.write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.removeItem(atPath: folder + "/model.safetensors")
      try expectRefused(config, exitCode: 66, mentions: ["model.safetensors"])
    }

    @Test("A folder needs no --config, a file does")
    func configuration() throws {
      let (folder, file) = (scratch.file("model"), scratch.file("weights.safetensors"))
      #expect(export(folder).exitCode == 0)
      #expect(
        Program.run(["export", "--checkpoint", run, "--output", file, "--dtype", "bf16"]).exitCode == 0)
      let output = ["--output", scratch.file("again")]
      expectMistake(
        Program.run(["import", "--weights", folder, "--config", run + "/config.yaml"] + output), exitCode: 64,
        mentions: ["--config"])
      expectMistake(
        Program.run(["import", "--weights", file] + output), exitCode: 64, mentions: ["--config"])
      #expect(
        Program.run(["import", "--weights", file, "--config", run + "/config.yaml"] + output).exitCode == 0)
    }
  }
}
