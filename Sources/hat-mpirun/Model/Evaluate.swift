import ArgumentParser
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Evaluate a trained model on text or on questions, unperturbed or perturbed.",
    discussion: """
      On text: bits per byte, word accuracy and, for a hierarchical model, byte accuracy. Every word is predicted once, in \
      sequences of the length the model was trained with. On questions: how often it guesses the end of a passage, \
      chooses the right answer, or prefers the right spelling. Each figure has a 95 % confidence interval.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @OptionGroup(title: "What to evaluate on")
  var subject: EvaluationSubject

  @Option(
    help: ArgumentHelp(
      "Another run, evaluated on the same: the differences, with intervals for paired samples.",
      valueName: "RUN[@step]"))
  var against: String?

  @Option(
    help: ArgumentHelp(
      "Also evaluate on perturbed text, and show the relative drop: all-caps, or permute:P, replace:P, delete:P of each "
        + "word's characters. In questions only the context is perturbed.", valueName: "KIND"))
  var perturb = "none"

  @Option(help: "Seed of the perturbation: the same seed perturbs the same text in the same way.")
  var perturbSeed: UInt64 = 1

  @Option(help: "Threads (default: one per core). Results are the same for any number.")
  var threads: Int?

  @OptionGroup
  var products: PrecisionOption

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws { try OptionLimits.threads.check("--threads", threads) }

  func run() throws {
    let threads = try ThreadChoice(wanted: threads, on: SoloCommunicator()).threads
    let perturbation = try Perturbation.parse(perturb).map {
      AppliedPerturbation(kind: $0, seed: perturbSeed)
    }
    let measured = try subject.open()
    let other = try against.map { try MeasuredModel($0, threads: threads, precision: products.precision) }
    let report = try measured.report(
      on: MeasuredModel(checkpoint, threads: threads, precision: products.precision), against: other,
      perturbation)
    try json ? JSONOutput.print(report) : report.show()
  }
}

/// A perturbation with its seed.
struct AppliedPerturbation {
  let kind: Perturbation
  let seed: UInt64

  func callAsFunction(_ text: [UInt8]) -> [UInt8] { kind.applied(to: text, seed: seed) }
}

/// The options for what to evaluate a model on.
struct EvaluationSubject: ParsableArguments {
  @Option(help: ArgumentHelp("A corpus made by preprocess.", valueName: "DIR"))
  var data: String?

  @Option(help: "Which part of the corpus.")
  var part = CorpusPart.holdout

  @Option(help: ArgumentHelp("A text file, as one document.", valueName: "FILE"))
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Passages with an end to guess: JSON Lines of \(ClozeQuestion.example).", valueName: "FILE"))
  var cloze: String?

  @Option(
    help: ArgumentHelp(
      "Multiple choice: JSON Lines of \(ChoiceQuestion.example).", valueName: "FILE"))
  var choice: String?

  @Option(
    help: ArgumentHelp(
      "Right and wrong spellings: JSON Lines of \(SpellingQuestion.example); \"context\" is optional.",
      valueName: "FILE"))
  var typos: String?

  func validate() throws {
    guard [data, text, cloze, choice, typos].compactMap(\.self).count == 1 else {
      throw ValidationError("Give one of --data, --text, --cloze, --choice and --typos.")
    }
  }

  /// - Throws: `UserError` if it is missing or invalid.
  func open() throws -> any MeasuredSubject {
    if let cloze { return MeasuredQuestions(kind: "cloze", try QuestionFile<ClozeQuestion>(FilePath(cloze))) }
    if let choice {
      return MeasuredQuestions(kind: "choice", try QuestionFile<ChoiceQuestion>(FilePath(choice)))
    }
    if let typos {
      return MeasuredQuestions(kind: "typos", try QuestionFile<SpellingQuestion>(FilePath(typos)))
    }
    if let text { return try MeasuredFile(text) }
    return MeasuredCorpus(corpus: try Corpus(opening: FilePath(data!)), part: part)
  }
}

extension CorpusPart: ExpressibleByArgument {}
