import ArgumentParser
import HATCore
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
    let model = try LoadedModel(checkpoint)
    try ModelWeights.export(
      model.parameters.base,
      of: ModelWeights.Description(
        configuration: model.configuration, splittingRule: model.manifest.splittingRule,
        maxWordBytes: model.manifest.maxWordBytes, step: model.manifest.step),
      to: FilePath(output))
    print(
      "\(output): \(Amount.large(Double(model.parameters.count))) parameters of step \(model.manifest.step)")
    if model.tokenizer != nil {
      let run = try CheckpointReference(parsing: checkpoint).run
      print("Its tokens are those of \(TokenizerFile.path(inRun: run)).")
    }
  }
}
