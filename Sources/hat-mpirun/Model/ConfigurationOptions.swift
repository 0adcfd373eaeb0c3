import ArgumentParser
import HATDistributed

/// Where a configuration comes from: a file, or the hours that training may take.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("The configuration, such as configs/tiny.yaml.", valueName: "FILE"))
  var file: String?

  @Option(
    help: ArgumentHelp(
      "Instead of --config: choose model, batch and steps for so many hours on these ranks and --data.",
      valueName: "H"))
  var hours: Double?

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  func validate() throws {
    guard (file == nil) != (hours == nil) else {
      throw ValidationError("Give --config FILE, or --hours H and hat chooses: one of the two.")
    }
    guard hours.map(TrainingBudget.hours.contains) != false else {
      throw ValidationError("--hours must be above 0 and at most \(Int(TrainingBudget.hours.upperBound)).")
    }
  }

  /// The same options for another process.
  var arguments: [String] {
    (file.map { ["--config=\($0)"] } ?? []) + (hours.map { ["--hours", "\($0)"] } ?? [])
      + overrides.map { "--set=\($0)" }
  }
}
