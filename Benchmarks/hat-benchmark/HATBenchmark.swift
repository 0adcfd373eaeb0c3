import ArgumentParser
import HATTerminal

/// Measurements for those who work on hat. What its users measure on their machines is `hat-mpirun benchmark`.
@main
struct HATBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hat-benchmark",
    abstract: "Measure parts of hat apart from training.",
    subcommands: [Collectives.self, DataOrder.self, Preprocessing.self, ParquetReading.self])

  static func main() { runProgram() }
}
