import HATText

/// One line of a file of questions to a model.
public protocol Question: Decodable, Sendable {
  associatedtype Result: Tally

  /// A line as it should be, for error messages.
  static var example: String { get }
  /// What comes before the strings that are scored, and what a perturbation changes.
  var context: String { get set }
  /// What makes it no question, with what to do; nil for a good one.
  var fault: (problem: String, hint: String)? { get }

  /// - Throws: `UserError` of kind `invalidData` for what the model's sequences have no room for.
  func ask(_ scorer: some TextScorer) throws -> Result
}

extension Question {
  public func perturbed(by perturbation: Perturbation?, seed: UInt64) -> Self {
    guard let perturbation else { return self }
    var question = self
    question.context = perturbation.applied(to: context, seed: seed)
    return question
  }

  func score(_ target: String, _ scorer: some TextScorer) throws -> TargetScore {
    try scorer.score(Array(target.utf8), after: Array(context.utf8))
  }
}
