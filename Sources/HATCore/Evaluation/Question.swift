import Foundation
import HATStorage
import HATText
import SystemPackage

/// One line of a file of questions to a model.
public protocol Question: Decodable, Sendable {
  associatedtype Result: Tally

  /// A line as it should be, for error messages.
  static var example: String { get }
  /// What comes before the strings that are scored, and what a perturbation changes.
  var context: String { get set }
  /// What is wrong with the question, and what to do about it; nil if nothing is.
  var fault: (problem: String, hint: String)? { get }

  /// - Throws: `UserError` of kind `invalidData` if the model's sequences have no room for it.
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

/// Questions of one kind from a file of JSON Lines, each with its line for error messages.
public struct QuestionFile<Kind: Question> {
  private let path: FilePath
  private let questions: [(line: Int, question: Kind)]

  /// Reads and checks the whole file. Blank lines and unknown fields are ignored.
  /// - Throws: `UserError`: `missingInput`; `invalidData` that names file and line.
  public init(_ path: FilePath) throws {
    self.path = path
    let file = try FileReader(opening: path)
    var bytes = try file.read(at: 0, count: file.length)[...]
    let mark = TextValidation.byteOrderMark
    if bytes.starts(with: mark) { bytes = bytes.dropFirst(mark.count) }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    questions = try lines.enumerated().compactMap { index, line in
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return nil }
      return (index + 1, try Self.question(Array(line), place: Self.place(path, index + 1)))
    }
    guard !questions.isEmpty else {
      throw UserError(
        .invalidData, at: path.string, "it has no questions", hint: "Write lines like \(Kind.example).")
    }
  }

  public var count: Int { questions.count }

  /// Asks a model every question.
  /// - Parameter perturbation: of the contexts.
  /// - Returns: a tally for each question, in their order.
  /// - Throws: `UserError` of kind `invalidData` that names file and line, if a sequence has no room for a question.
  public func ask(
    _ scorer: some TextScorer, perturbation: Perturbation? = nil, seed: UInt64 = 1,
    progress: (_ done: Int) -> Void = { _ in }
  ) throws -> [Kind.Result] {
    try questions.enumerated().map { index, entry in
      defer { progress(index + 1) }
      do {
        return try entry.question.perturbed(by: perturbation, seed: seed).ask(scorer)
      } catch var error as UserError {
        error.place = Self.place(path, entry.line)
        throw error
      }
    }
  }

  private static func question(_ line: [UInt8], place: String) throws -> Kind {
    if let byte = TextValidation.firstInvalidByte(in: line) {
      throw UserError(
        .invalidData, at: place, "it is not valid UTF-8 (byte \(byte) of the line)",
        hint: "Convert the file to UTF-8.")
    }
    do {
      let question = try JSONDecoder().decode(Kind.self, from: Data(line))
      if let (problem, hint) = question.fault {
        throw UserError(.invalidData, at: place, problem, hint: hint)
      }
      return question
    } catch let error as DecodingError {
      throw UserError(
        .invalidData, at: place, "it cannot be understood (\(error.summary()))",
        hint: "Write it like \(Kind.example).")
    }
  }

  private static func place(_ path: FilePath, _ line: Int) -> String { "\(path):\(line)" }
}
