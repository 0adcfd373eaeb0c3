import Foundation
import HATStorage

/// What makes the slice files of a folder a checkpoint: written last, read first.
public struct CheckpointManifest: Codable, Sendable, Equatable {
  public static let currentFormatVersion = 1

  public var formatVersion = CheckpointManifest.currentFormatVersion
  /// Steps done.
  public var step: Int
  public var configuration: Configuration
  /// Name and version of the rule that cut the text into words.
  public var splittingRule: String
  public var maxWordBytes: Int
  /// Of the corpus the run reads.
  public var dataFingerprint: String
  /// Where the data goes on, as JSON that only its source reads.
  public var cursor: String
  public var codeVersion: String
  /// Of the file whose tokens the model predicts; nil for one that spells.
  public var tokenizerChecksum: Checksum?
  /// The layout of the flat buffer, in its order.
  public var tensors: [TensorRecord]
  /// The parts of the flat buffer, in its order.
  public var slices: [CheckpointSlice]

  /// A tensor's name and shape; it lies where the one before it ends.
  public struct TensorRecord: Codable, Sendable, Equatable {
    public var name: String
    public var shape: [Int]

    public init(_ tensor: ParameterTensor) {
      name = tensor.name
      shape = tensor.shape
    }
  }

  public init(
    step: Int, configuration: Configuration, splittingRule: String, maxWordBytes: Int,
    dataFingerprint: String, cursor: String, codeVersion: String = CodeVersion.current,
    tokenizerChecksum: Checksum? = nil, tensors: [ParameterTensor], slices: [CheckpointSlice] = []
  ) {
    self.step = step
    self.configuration = configuration
    self.splittingRule = splittingRule
    self.maxWordBytes = maxWordBytes
    self.dataFingerprint = dataFingerprint
    self.cursor = cursor
    self.codeVersion = codeVersion
    self.tokenizerChecksum = tokenizerChecksum
    self.tensors = tensors.map(TensorRecord.init)
    self.slices = slices
  }

  /// Floats of the flat buffer.
  public var parameterCount: Int { slices.last?.range.upperBound ?? 0 }

  /// Of the parameters, whose parts have checksums of their own.
  public var parameterChecksum: Checksum {
    Checksum(of: slices.flatMap { Array($0.checksum(of: .parameters).hexadecimal.utf8) })
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
    var differences = self.configuration.differences(from: configuration, sections: ["model"])
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
        hint: "Use the configuration and data it was made with, or another output folder.")
    }
  }
}
