import ArgumentParser
import HATCore
import HATStorage
import HATText
import SystemPackage

/// The options that say what a model is measured on.
struct EvaluationSubject: ParsableArguments {
  @Option(help: ArgumentHelp("A corpus made by preprocess.", valueName: "DIR"))
  var data: String?

  @Option(help: "Which part of the corpus.")
  var part = CorpusPart.holdout

  @Option(help: ArgumentHelp("A text file, as one document.", valueName: "FILE"))
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Passages whose end is to be guessed: JSON Lines of \(ClozeQuestion.example).", valueName: "FILE"))
  var cloze: String?

  @Option(
    help: ArgumentHelp(
      "Multiple choice: JSON Lines of \(ChoiceQuestion.example).", valueName: "FILE"))
  var choice: String?

  @Option(
    help: ArgumentHelp(
      "Right and wrong spellings: JSON Lines of \(SpellingQuestion.example); \"context\" may be left out.",
      valueName: "FILE"))
  var typos: String?

  func validate() throws {
    guard [data, text, cloze, choice, typos].compactMap(\.self).count == 1 else {
      throw ValidationError("Give one of --data, --text, --cloze, --choice and --typos.")
    }
  }

  /// - Throws: `UserError` when it is not there, or is not what it should be.
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
