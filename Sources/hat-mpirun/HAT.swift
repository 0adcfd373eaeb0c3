import ArgumentParser
import HATTerminal

@main
struct HAT: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hat-mpirun",
    abstract: "Train tokenizer-free language models on CPU machines, alone or under mpirun.",
    version: ProgramVersion.text,
    subcommands: [
      Plan.self, Preprocess.self, Split.self, Tokenizer.self, Train.self, Evaluate.self, Generate.self,
      Serve.self,
      Export.self, Import.self, Inspect.self, Benchmark.self, Doctor.self,
    ]
  )

  static func main() { runProgram() }
}

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into the files that hat makes.",
    subcommands: [
      InspectCheckpoint.self, InspectCorpus.self, InspectShard.self, InspectGradients.self,
      InspectBatches.self, InspectWords.self, InspectRun.self, InspectCompare.self,
    ])
}
