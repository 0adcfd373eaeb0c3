import ArgumentParser

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into what hat has made.",
    subcommands: [
      InspectCheckpoint.self, InspectCorpus.self, InspectShard.self, InspectGradients.self,
      InspectBatches.self, InspectWords.self,
    ])
}
