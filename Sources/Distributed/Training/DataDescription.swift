import HATStorage
import SystemPackage

/// What a run records of its data.
public struct DataDescription: Sendable, Equatable {
  /// Name and version of the rule that cut the text into words.
  public var splittingRule: String
  public var maxWordBytes: Int
  /// Of all that decides which text is seen when: that of the corpus, or of a mixture's corpora and weights.
  public var fingerprint: String
  public var corpora: [CorpusDescription]

  public init(
    splittingRule: String, maxWordBytes: Int, fingerprint: String, corpora: [CorpusDescription] = []
  ) {
    self.splittingRule = splittingRule
    self.maxWordBytes = maxWordBytes
    self.fingerprint = fingerprint
    self.corpora = corpora
  }
}

/// One corpus of a run.
public struct CorpusDescription: Sendable, Equatable, Codable {
  public var folder: String
  /// Its part of the bytes trained on; the weights of a run add up to 1.
  public var weight: Double
  public var fingerprint: String

  public init(folder: String, weight: Double, fingerprint: String) {
    (self.folder, self.weight, self.fingerprint) = (folder, weight, fingerprint)
  }

  /// What a run was trained on last; none where it does not say, as one of imported weights.
  /// - Throws: `UserError` of kind `invalidData`.
  public static func ofRun(_ run: FilePath) throws -> [CorpusDescription] {
    let file = RunFolder.descriptionFile(run)
    return try DurableFile.exists(file) ? RunDescription.read(from: file).corpora ?? [] : []
  }

  /// A folder may have moved: what counts is what is in it, and how much of it is wanted.
  private func isSame(as other: CorpusDescription) -> Bool {
    (weight, fingerprint) == (other.weight, other.fingerprint)
  }

  /// Where two lists differ, in words.
  static func differences(_ there: [CorpusDescription], _ here: [CorpusDescription]) -> [String] {
    (0..<max(there.count, here.count)).compactMap { index in
      let old = there.indices.contains(index) ? there[index] : nil
      let new = here.indices.contains(index) ? here[index] : nil
      if let old, let new, old.isSame(as: new) { return nil }
      return "\(old?.text ?? "none"), \(new?.text ?? "none")"
    }
  }

  private var text: String { "\(folder):\(weight) (fingerprint \(fingerprint))" }
}
