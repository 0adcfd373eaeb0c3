import Foundation

@testable import HATText

/// Deterministic random dialogues and preferences, some of them odd: without a question, with empty turns, with long answers.
extension TextGenerator {
  private mutating func content(upTo words: Int) -> String {
    switch Int.random(in: 0..<12, using: &self) {
    case 0: ""
    case 1: String(decoding: text(scalars: Int.random(in: 1...30, using: &self)), as: UTF8.self)
    default: prose(words: Int.random(in: 1...words, using: &self))
    }
  }

  /// At least one answer counts.
  mutating func dialogue(turns: Int = 6, words: Int = 25) -> [DialogueMessage] {
    while true {
      let messages = (0..<Int.random(in: 1...turns, using: &self)).map { _ in
        let role = DialogueRole.allCases.randomElement(using: &self)!
        let counts = role == .assistant && Int.random(in: 0..<5, using: &self) > 0
        return DialogueMessage(role, content(upTo: words), counts: counts)
      }
      if messages.contains(where: \.counts) { return messages }
    }
  }

  mutating func preference(words: Int = 25) -> (prompt: [DialogueMessage], chosen: String, rejected: String) {
    let prompt = Array(dialogue(turns: 3, words: words).prefix(2))
    let chosen = content(upTo: words)
    return (prompt, chosen, chosen + (Bool.random(using: &self) ? " not" : content(upTo: words) + "!"))
  }

  /// A document of a kind as a shard keeps it.
  mutating func markedText(_ kind: DocumentKind, turns: Int = 4, words: Int = 8) -> MarkedText {
    let splitter = try! WordSplitter(.whitespace)
    var text = MarkedText()
    if kind == .dialogues {
      for message in dialogue(turns: turns, words: words) { text.append(message, splitter: splitter) }
    } else {
      let pair = preference(words: words)
      for (index, answer) in [pair.chosen, pair.rejected].enumerated() {
        if index > 0 { text.appendMark(SpecialByte.document) }
        for message in pair.prompt { text.append(message, counts: false, splitter: splitter) }
        text.append(DialogueMessage(.assistant, answer), splitter: splitter)
      }
    }
    return text
  }

  mutating func markedTexts(_ kind: DocumentKind) -> [MarkedText] {
    (0..<Int.random(in: 1...25, using: &self)).map { _ in markedText(kind) }
  }

  mutating func dialogueLines(_ count: Int, turns: Int = 6, words: Int = 25) -> [String] {
    (0..<count).map { _ in
      JSONText.line(["messages": dialogue(turns: turns, words: words).map(JSONText.message)])
    }
  }

  mutating func preferenceLines(_ count: Int, words: Int = 25) -> [String] {
    (0..<count).map { _ in
      let pair = preference(words: words)
      return JSONText.line([
        "prompt": pair.prompt.map(JSONText.message), "chosen": pair.chosen, "rejected": pair.rejected,
      ])
    }
  }
}

enum JSONText {
  static func message(_ message: DialogueMessage) -> [String: Any] {
    var fields: [String: Any] = ["role": message.role.rawValue, "content": message.content]
    if message.role == .assistant && !message.counts { fields["weight"] = 0 }
    return fields
  }

  static func line(_ object: [String: Any]) -> String {
    String(
      decoding: try! JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
  }
}

/// A document as people read it: marks by their names, and `*` before each word that counts.
extension ShardDocument {
  var shown: String {
    words.enumerated().map { index, word in
      (counted.contains { $0.contains(index) } ? "*" : "")
        + (word.isMark ? SpecialByte.markName(word.first!)! : String(decoding: word, as: UTF8.self))
    }.joined(separator: "|")
  }
}
