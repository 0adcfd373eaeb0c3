import ArgumentParser
import Foundation
import HATStorage

@main
struct HAT: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hat-mpirun",
    abstract: "Train tokenizer-free language models on CPU machines, alone or under mpirun.",
    subcommands: [
      Plan.self, Preprocess.self, Split.self, Tokenizer.self, Train.self, Evaluate.self, Generate.self,
      Export.self,
      Import.self, Inspect.self, Benchmark.self,
    ]
  )

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as UserError {
      FileHandle.standardError.write(Data("error: \(error)\n".utf8))
      Foundation.exit(error.kind.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}
