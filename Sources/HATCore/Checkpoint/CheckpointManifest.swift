import Foundation
import HATStorage
import SystemPackage

/// What makes the slice files of a folder a checkpoint (docs/checkpoints.md): written last, read first.
public struct CheckpointManifest: Codable, Sendable, Equatable {
  public static let currentFormatVersion = 2

  public var formatVersion = CheckpointManifest.currentFormatVersion
  /// Steps done.
  public var step: Int
  public var configuration: Configuration
  /// Name and version of the rule that cut the text into words.
  public var splittingRule: String
  public var maxWordBytes: Int
  /// Of the corpus the run reads.
  public var dataFingerprint: String
  /// Where the data continues, as JSON that only its source reads.
  public var cursor: String
  public var codeVersion: String
  /// Of the vocabulary file whose tokens the model predicts; nil for a model that spells.
  public var tokenizerChecksum: Checksum?
  /// How dialogues were written for a model that learned from some (`ChatTemplate.record`); nil for others.
  public var template: String?
  /// The parameters, then the optimiser's sections.
  public var sections: [SectionRecord]
  /// The files, by the first float they hold.
  public var slices: [CheckpointSlice]

  /// A section: what it holds of each tensor, in the order of its flat buffer.
  public struct SectionRecord: Codable, Sendable, Equatable {
    public var name: String
    public var tensors: [TensorRecord]

    public init(_ section: StateSection) {
      name = section.name
      tensors = section.entries.map { TensorRecord(name: $0.name, shape: $0.shape) }
    }
  }

  public struct TensorRecord: Codable, Sendable, Equatable {
    public var name: String
    public var shape: [Int]
  }

  public init(
    step: Int, configuration: Configuration, splittingRule: String, maxWordBytes: Int,
    dataFingerprint: String, cursor: String, codeVersion: String = CodeVersion.current,
    tokenizerChecksum: Checksum? = nil, template: ChatTemplate = .plain, sections: [StateSection],
    slices: [CheckpointSlice] = []
  ) {
    (self.step, self.configuration, self.codeVersion) = (step, configuration, codeVersion)
    (self.splittingRule, self.maxWordBytes) = (splittingRule, maxWordBytes)
    (self.dataFingerprint, self.cursor) = (dataFingerprint, cursor)
    (self.tokenizerChecksum, self.template) = (tokenizerChecksum, template.record)
    (self.sections, self.slices) = (sections.map(SectionRecord.init), slices)
  }

  private enum CodingKeys: String, CodingKey {
    case step, configuration, cursor, template, sections, slices
    case formatVersion = "format_version"
    case splittingRule = "splitting_rule"
    case maxWordBytes = "max_word_bytes"
    case dataFingerprint = "data_fingerprint"
    case codeVersion = "code_version"
    case tokenizerChecksum = "tokenizer_checksum"
  }

  /// Parameters of the model.
  public var parameterCount: Int { slices.flatMap(\.ranges).reduce(0) { $0 + $1.count } }

  /// Of all parameters: the checksum of their slices' checksums.
  public var parameterChecksum: Checksum {
    Checksum(of: slices.flatMap { Array($0.checksums[0].hexadecimal.utf8) })
  }
}

/// One slice file as the manifest lists it: what one rank wrote.
public struct CheckpointSlice: Codable, Sendable, Equatable {
  public var file: String
  /// The parameters it holds, in floats of their flat buffer, ascending. Of each other section it holds what belongs to
  /// them.
  public var ranges: [Range<Int>]
  /// Bytes of the file.
  public var length: Int
  /// XXH3 of the bytes before the first float.
  public var headerChecksum: Checksum
  /// XXH3 of each section's bytes, in the order of the manifest's sections.
  public var checksums: [Checksum]

  private enum CodingKeys: String, CodingKey {
    case file, ranges, length
    case headerChecksum = "header_checksum"
    case checksums
  }
}

extension CheckpointManifest {
  /// Checks that the checkpoint belongs to this model and this way of cutting words.
  /// - Parameter place: the checkpoint, for the error.
  /// - Throws: `UserError` of kind `configuration` that lists the keys that differ.
  public func requireSameModel(
    as configuration: Configuration, splittingRule: String, maxWordBytes: Int,
    tokenizerChecksum: Checksum? = nil, at place: String
  ) throws {
    var differences = self.configuration.modelDifferences(from: configuration).map(\.text)
    if self.splittingRule != splittingRule {
      differences.append("splitting rule: \(self.splittingRule), \(splittingRule)")
    }
    if self.maxWordBytes != maxWordBytes {
      differences.append("max word bytes: \(self.maxWordBytes), \(maxWordBytes)")
    }
    if self.tokenizerChecksum != tokenizerChecksum {
      let checksums = [self.tokenizerChecksum, tokenizerChecksum].map { $0?.hexadecimal ?? "none" }
      differences.append("tokenizer: \(checksums.joined(separator: ", "))")
    }
    guard differences.isEmpty else {
      throw UserError(
        .configuration, at: place,
        "this checkpoint is of another model (checkpoint, here): \(differences.joined(separator: "; "))",
        hint: "Use the configuration and data it was made with, or another `output` folder.")
    }
  }
}
