import ArgumentParser

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into what hat has made.",
    subcommands: [InspectCorpus.self, InspectShard.self])
}
