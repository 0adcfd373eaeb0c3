import Foundation
import HATStorage

extension SubwordVocabulary {
  /// The vocabulary as a `tokenizer.json` that the Hugging Face library `tokenizers` loads and encodes alike with.
  ///
  /// The document mark is in it as a token that no text gives.
  func encoded() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    do {
      return [UInt8](try encoder.encode(TokenizerContent(self))) + [0x0A]
    } catch {
      preconditionFailure("names and numbers can be written as JSON: \(error)")
    }
  }

  /// Reads what `encoded` gave.
  /// - Throws: `UserError` of kind `invalidData` for what is no such file.
  init(tokenizerFile bytes: [UInt8], at place: String) throws {
    guard let content = try? JSONDecoder().decode(TokenizerContent.self, from: Data(bytes)) else {
      throw Self.noTokenizerFile(place)
    }
    guard let vocabulary = content.vocabulary else {
      throw UserError(
        .invalidData, at: place, "its tokens and merges are not those of a vocabulary made here",
        hint: Self.damageHint)
    }
    self = vocabulary
  }

  /// In bytes: far above that of any vocabulary.
  static let largestFile = 1 << 28
  private static let damageHint = "Restore the file, or learn the vocabulary again."

  static func noTokenizerFile(_ place: String) -> UserError {
    UserError(.invalidData, at: place, "it is not a tokenizer file", hint: damageHint)
  }
}

/// The parts of a `tokenizer.json` that are not the same in every one of ours.
private struct TokenizerContent: Codable {
  struct Model: Codable {
    var type = "BPE"
    var vocab: [String: Int32]
    /// Such as `Ġ t`: two tokens and a space.
    var merges: [String]
  }

  /// The words of the `whitespace` rule, each with the white space after it.
  struct Split: Codable {
    struct Pattern: Codable {
      var regex: String
      enum CodingKeys: String, CodingKey { case regex = "Regex" }
    }
    var type = "Split"
    var pattern = Pattern(regex: #"\S+\s*|\s+"#)
    var behavior = "Isolated"
    var invert = false
  }

  /// Bytes as printable characters.
  struct ByteLevel: Codable {
    var type = "ByteLevel"
    var addPrefixSpace = false
    var trimOffsets = false
    var useRegex = false
    enum CodingKeys: String, CodingKey {
      case type
      case addPrefixSpace = "add_prefix_space"
      case trimOffsets = "trim_offsets"
      case useRegex = "use_regex"
    }
  }

  enum Step: Codable {
    case split(Split)
    case bytes(ByteLevel)

    init(from decoder: any Decoder) throws {
      self =
        if let split = try? Split(from: decoder) { .split(split) } else {
          .bytes(try ByteLevel(from: decoder))
        }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .split(let split): try split.encode(to: encoder)
      case .bytes(let bytes): try bytes.encode(to: encoder)
      }
    }
  }

  struct Steps: Codable {
    var type = "Sequence"
    var pretokenizers = [Step.split(Split()), .bytes(ByteLevel())]
  }

  var version = "1.0"
  var preTokenizer = Steps()
  var decoder = ByteLevel()
  var model: Model
  enum CodingKeys: String, CodingKey {
    case version
    case preTokenizer = "pre_tokenizer"
    case decoder
    case model
  }

  private static let documentMark = "<document>"

  init(_ vocabulary: SubwordVocabulary) {
    var names = (0..<Int32(vocabulary.count)).map { PrintableBytes.text(vocabulary.bytes(of: $0)) }
    names[Int(SubwordVocabulary.documentMark)] = Self.documentMark
    model = Model(
      vocab: Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) }),
      merges: vocabulary.merges.map { "\(names[Int($0.pair.left)]) \(names[Int($0.pair.right)])" })
  }

  /// Nil where names, numbers and merges are not what a vocabulary of ours would have written.
  var vocabulary: SubwordVocabulary? {
    var vocabulary = SubwordVocabulary()
    for merge in model.merges {
      let sides = merge.split(separator: " ").compactMap { model.vocab[String($0)] }
      guard sides.count == 2, sides.allSatisfy({ 0..<Int32(vocabulary.count) ~= $0 }),
        !sides.contains(SubwordVocabulary.documentMark)
      else { return nil }
      _ = vocabulary.add(TokenPair(left: sides[0], right: sides[1]))
    }
    let again = TokenizerContent(vocabulary).model
    return again.vocab == model.vocab && again.merges == model.merges ? vocabulary : nil
  }
}

/// The characters that stand for bytes in a byte-level `tokenizer.json`: a printable Latin-1 character for itself, the
/// others by the characters from U+0100 on.
private enum PrintableBytes {
  private static let characters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...UInt32(UInt8.max)).map { byte in
      if 0x21...0x7E ~= byte || 0xA1...0xAC ~= byte || 0xAE...0xFF ~= byte { return Unicode.Scalar(byte)! }
      defer { next += 1 }
      return Unicode.Scalar(next)!
    }
  }()

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(characters[Int(byte)]) }
    return String(text)
  }
}
