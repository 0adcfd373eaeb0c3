import ArgumentParser
import HAT
import HATCore
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint's weights as files that other frameworks read.",
    discussion: """
      A safetensors file with the names of hat, or a folder that the library transformers loads, with what it needs to \
      read text and to write it.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "The file to write; with --format huggingface the folder, which must be empty or new.",
      valueName: "PATH")
  )
  var output: String

  @Option(help: "safetensors: one file of weights; huggingface: a folder that transformers loads.")
  var format = ExportFormat.safetensors

  @Option(help: "float32, or bf16: half the size, each weight rounded to 8 bits of precision.")
  var dtype = FloatFormat.float32

  func run() throws {
    let output = FilePath(output)
    switch format {
    case .safetensors: try DurableFile.requireFile(at: output)
    case .huggingface: try DurableFolder.requireRoom(at: output)
    }
    let run = try CheckpointReference(parsing: checkpoint).run
    let model = try LoadedModel(checkpoint) { Terminal.warning($0) }
    switch format {
    case .safetensors:
      try WeightsFile.export(model.weights, of: model.weightsDescription, as: dtype, to: output)
    case .huggingface: try HuggingFaceFolder(model, run: run, as: dtype).write(to: output)
    }
    print(
      "\(output): \(Amount.large(Double(model.weights.table.count))) parameters of step \(model.manifest.step)"
    )
    if format == .safetensors, model.tokenizer != nil {
      print("Its tokenizer is \(TokenizerFile.path(inRun: run)).")
    }
  }
}

enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
  case safetensors, huggingface
}

extension FloatFormat: ExpressibleByArgument {}

extension LoadedModel {
  var weightsDescription: WeightsFile.Description {
    WeightsFile.Description(
      configuration: configuration, splittingRule: manifest.splittingRule,
      maxWordBytes: manifest.maxWordBytes, step: manifest.step, template: template)
  }
}
