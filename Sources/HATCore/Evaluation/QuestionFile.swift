import Foundation
import HATStorage
import HATText
import SystemPackage

/// Questions of one kind from a file of JSON Lines, each with the place to name when it goes wrong.
public struct QuestionFile<Kind: Question> {
  private let path: FilePath
  private let questions: [(line: Int, question: Kind)]

  /// Reads and checks all of it. Blank lines are passed over, fields it does not know too.
  /// - Throws: `UserError`: `missingInput`; `invalidData` that names file and line.
  public init(_ path: FilePath) throws {
    self.path = path
    let file = try FileReader(opening: path)
    let lines = try file.read(at: 0, count: file.length).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    questions = try lines.enumerated().compactMap { index, line in
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return nil }
      return (index + 1, try Self.question(Array(line), place: Self.place(path, index + 1)))
    }
    guard !questions.isEmpty else {
      throw UserError(
        .invalidData, at: path.string, "it holds no question", hint: "Write lines such as \(Kind.example).")
    }
  }

  public var count: Int { questions.count }

  /// What a model answers: a tally for each question, in their order.
  /// - Parameter perturbation: of the contexts.
  /// - Throws: `UserError` of kind `invalidData` that names file and line, for what a sequence has no room for.
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
        .invalidData, at: place, "it cannot be understood (\(error.summary))",
        hint: "Write it like \(Kind.example).")
    }
  }

  private static func place(_ path: FilePath, _ line: Int) -> String { "\(path):\(line)" }
}
