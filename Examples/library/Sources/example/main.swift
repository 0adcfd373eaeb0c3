import HAT

let (corpus, folder) = (CommandLine.arguments[1], CommandLine.arguments[2])
var configuration = Configuration()
configuration.training.steps = 3
print(try TrainingRun(configuration, corpora: [(corpus, 1)], folder: folder).train())

let model = try LoadedModel(folder)
print(try model.score("To be, or not to be, that is the question.").sum.bitsPerByte)
print(try model.continuation(of: "To be", bytes: 40))
