import ArgumentParser
import HAT
import HATCore
import HATTerminal
import HATText
import SystemPackage

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint's weights as a safetensors file that other frameworks read.")

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(help: ArgumentHelp("The file to write.", valueName: "FILE"))
  var output: String

  func run() throws {
    let model = try LoadedModel(checkpoint) { Terminal.warning($0) }
    try WeightsFile.export(
      model.weights,
      of: WeightsFile.Description(
        configuration: model.configuration, splittingRule: model.manifest.splittingRule,
        maxWordBytes: model.manifest.maxWordBytes, step: model.manifest.step),
      to: FilePath(output))
    print(
      "\(output): \(Amount.large(Double(model.weights.table.count))) parameters of step \(model.manifest.step)"
    )
    if model.tokenizer != nil {
      let run = try CheckpointReference(parsing: checkpoint).run
      print("Its tokenizer is \(TokenizerFile.path(inRun: run)).")
    }
  }
}
