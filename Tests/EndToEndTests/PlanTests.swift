import Foundation
import Testing

extension EndToEnd {
  /// The paper's sizes, as `plan` counts them (docs/model.md §7).
  @Suite("Plan")
  struct PlanTests {
    @Test(
      "The presets have the paper's parameter counts",
      arguments: [
        ("paper-1b", 2304, 18, 768, 3), ("paper-3b", 3584, 28, 768, 3), ("paper-7b", 4608, 36, 1024, 4),
      ])
    func paperSizes(preset: String, width: Int, layers: Int, byteWidth: Int, byteLayers: Int) throws {
      let configuration = Program.repository + "/configs/\(preset).yaml"
      let output = Program.run(
        ["plan", "--config", configuration, "--ranks", "1024", "--memory-per-node", "1000GiB", "--json"])
      try #require(output.exitCode == 0 || output.exitCode == 78, "\(output.description)")
      let text = output.standardOutput
      for (module, expected) in [
        ("backbone", block(width) * layers + width),
        ("encoder", block(byteWidth) * byteLayers + byteWidth + width * byteWidth),
        ("decoder", block(byteWidth) * byteLayers + byteWidth + width * byteWidth),
      ] {
        #expect(text.contains(String(expected)), "\(module) of \(expected) parameters in \(text)")
      }
    }

    @Test("What would fit is said so that it does: whoever follows the hint is not refused again")
    func hints() throws {
      let configuration = Program.repository + "/configs/base.yaml"
      func plan(_ more: [String]) -> ChildProcess.Output {
        Program.run(["plan", "--config", configuration, "--nodes", "2"] + more)
      }
      var followed = 0
      for memory in ["40GiB", "20GiB", "10GiB", "5GiB"] {
        let refused = plan(["--ranks", "64", "--memory-per-node", memory])
        guard refused.exitCode != 0 else { continue }
        expectMistake(refused, exitCode: 78, mentions: ["a node has"])
        let text = refused.standardError
        var more = ["--memory-per-node", memory]
        if let stage = text.firstMatch(of: /training\.zero_stage=\d/) {
          more += ["--set", String(stage.output)]
        }
        let ranks = text.firstMatch(of: /--ranks (\d+) on 2 nodes/).map { String($0.1) }
        guard more.count > 2 || ranks != nil else {
          #expect(text.contains("Even one rank per node does not fit"))
          continue
        }
        let accepted = plan(more + ["--ranks", ranks ?? "64"])
        #expect(accepted.exitCode == 0, "\(text)\n\(accepted.description)")
        followed += 1
      }
      #expect(followed > 0)
    }

    @Test("What --print-config would leave out is refused")
    func printed() {
      let plan = ["plan", "--config", Program.repository + "/configs/tiny.yaml", "--print-config"]
      for more in [["--json"], ["--memory-per-node", "1GiB"]] {
        expectMistake(Program.run(plan + more), exitCode: 64, mentions: ["--print-config", more[0]])
      }
    }

    /// Parameters of one block: four projections, three MLP matrices of the default width, two norms.
    private func block(_ width: Int) -> Int {
      let hidden = (8 * width + 95) / 96 * 32
      return 4 * width * width + 3 * width * hidden + 2 * width
    }

    @Test(
      "Every preset loads, and is written back complete and the same",
      arguments: ["tiny", "quickstart", "small", "base", "paper-1b", "paper-3b", "paper-7b"])
    func presets(name: String) throws {
      let scratch = try Scratch()
      let preset = Program.repository + "/configs/\(name).yaml"
      let printed = Program.run(["plan", "--config", preset, "--print-config"])
      try #require(printed.exitCode == 0, "\(printed.description)")
      let file = try scratch.write(printed.standardOutput, to: "printed.yaml")
      #expect(
        Program.run(["plan", "--config", file, "--print-config"]).standardOutput == printed.standardOutput)
    }
  }
}
