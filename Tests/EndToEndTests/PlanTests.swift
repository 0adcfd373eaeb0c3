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
