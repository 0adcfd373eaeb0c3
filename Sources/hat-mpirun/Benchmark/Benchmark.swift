import ArgumentParser

struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how fast hat is on this machine.",
    subcommands: [
      BenchmarkTrain.self, BenchmarkGenerate.self, BenchmarkScaling.self, BenchmarkSums.self,
    ])
}
