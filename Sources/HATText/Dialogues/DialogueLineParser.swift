import Foundation
import HATStorage

/// Makes a document of a line of JSON that holds a dialogue, or a pair of them
/// (docs/preprocessing.md, "Dialogues and preferences").
///
/// That the line is JSON, and UTF-8, is known already.
struct DialogueLineParser {
  enum Outcome {
    case document(MarkedText)
    /// Nothing counts in a dialogue.
    case withoutAnswer
    /// Both dialogues of a pair are the same.
    case withoutPreference
  }

  private let kind: DocumentKind
  private let splitter: WordSplitter
  private let decoder = JSONDecoder()

  init(_ kind: DocumentKind, splitter: WordSplitter) {
    precondition(kind != .text)
    (self.kind, self.splitter) = (kind, splitter)
  }

  /// - Parameter place: of the line, for errors.
  /// - Throws: `UserError` of kind `invalidData`.
  func parse(_ line: UnsafeBufferPointer<UInt8>, at place: () -> String) throws -> Outcome {
    do {
      let data = Data(buffer: line)
      return kind == .dialogues
        ? document(try decoder.decode(DialogueLine.self, from: data).messages)
        : document(try decoder.decode(PreferenceLine.self, from: data))
    } catch let fault as DialogueFault {
      throw UserError(.invalidData, at: place(), fault.problem, hint: fault.hint)
    } catch is DecodingError {
      throw UserError(
        .invalidData, at: place(), "the line is not valid JSON",
        hint: "Each line of a .jsonl file must be one whole object; repair or remove this one.")
    }
  }

  private func document(_ messages: [DialogueMessage]) -> Outcome {
    var text = MarkedText()
    for message in messages { text.append(message, splitter: splitter) }
    return text.counted.isEmpty ? .withoutAnswer : .document(text)
  }

  private func document(_ line: PreferenceLine) -> Outcome {
    guard line.chosen.map(\.turn) != line.rejected.map(\.turn) else { return .withoutPreference }
    var text = MarkedText()
    for (index, answer) in [line.chosen, line.rejected].enumerated() {
      if index > 0 { text.appendMark(SpecialByte.document) }
      for message in line.prompt { text.append(message, counts: false, splitter: splitter) }
      let before = text.counted.count
      for message in answer { text.append(message, splitter: splitter) }
      if text.counted.count == before { return .withoutAnswer }
    }
    return .document(text)
  }
}

extension MarkedText {
  /// What decides whether the document is held out: the first question, so that all answers to it are on the same side; without
  /// a question, all bytes.
  var holdoutKey: ArraySlice<UInt8> {
    guard let start = bytes.firstIndex(of: SpecialByte.user),
      let end = bytes[start...].firstIndex(of: SpecialByte.turnEnd)
    else { return bytes[...] }
    return bytes[start + 1..<end]
  }
}
