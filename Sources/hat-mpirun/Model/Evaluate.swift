import ArgumentParser
import HATCore
import HATText

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a trained model on text, or on questions, as it is or perturbed.",
    discussion: """
      Of text: bits per byte, word accuracy and, where the model spells, byte accuracy; every word is predicted once, in sequences of the length \
      the model was trained with. Of questions: how often it guesses a passage's end, chooses the right answer, or \
      prefers the right spelling. Each figure has its 95 % confidence interval.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @OptionGroup(title: "What it is measured on")
  var subject: EvaluationSubject

  @Option(
    help: ArgumentHelp(
      "Measure perturbed text, and by how much worse it is: all-caps, or permute:P, replace:P, delete:P of each "
        + "word's characters. Of questions the context alone is perturbed.", valueName: "KIND"))
  var perturb = "none"

  @Option(help: "Of the perturbation: the same seed perturbs the same text alike.")
  var perturbSeed: UInt64 = 1

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let perturbation = try Perturbation.parse(perturb).map {
      AppliedPerturbation(kind: $0, seed: perturbSeed)
    }
    let measured = try subject.open()
    let loaded = try LoadedModel(checkpoint)
    let report = try measured.report(on: loaded, loaded.makeScorer(), perturbation)
    try json ? JSONOutput.print(report) : report.show()
  }
}

/// A perturbation with the seed of its draws.
struct AppliedPerturbation {
  let kind: Perturbation
  let seed: UInt64

  func callAsFunction(_ text: [UInt8]) -> [UInt8] { kind.applied(to: text, seed: seed) }
}
