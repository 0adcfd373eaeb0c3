import HATStorage

/// The corpora a run trains on, and how much of each (docs/data-order.md, "Mixing").
public struct Mixture: Sendable {
  public struct Part: Sendable {
    public let corpus: Corpus
    /// Of the target bytes, in billionths: whole numbers, so that which corpus is next is decided exactly.
    let share: Int

    /// Of the target bytes, 0 … 1.
    public var weight: Double { Double(share) / Double(Mixture.whole) }
  }

  public let parts: [Part]

  static let whole = 1_000_000_000

  /// - Parameter corpora: with weights above 0, which count relative to each other.
  /// - Throws: `UserError`: `configuration` when the corpora were cut into words by different rules;
  ///   `wrongUsage` when two hold the same data, or a weight is too small to count.
  public init(_ corpora: [(corpus: Corpus, weight: Double)]) throws {
    precondition(!corpora.isEmpty && corpora.allSatisfy { $0.weight > 0 && $0.weight.isFinite })
    let total = corpora.reduce(0) { $0 + $1.weight }
    parts = corpora.map { corpus, weight in
      Part(corpus: corpus, share: Int((weight / total * Double(Self.whole)).rounded()))
    }
    for part in parts where part.share == 0 {
      throw UserError(
        .wrongUsage, at: part.corpus.folder.string, "its weight is less than a billionth of all",
        hint: "Leave it out, or give it more.")
    }
    for index in parts.indices.dropFirst() { try requireFit(of: index) }
  }

  /// What cut all the corpora into words.
  public var splitter: WordSplitter { parts[0].corpus.splitter }

  /// That of the corpus where there is one; else of every corpus's with its weight, in order.
  public var fingerprint: Checksum {
    guard parts.count > 1 else { return parts[0].corpus.fingerprint }
    var bytes: [UInt8] = []
    for part in parts {
      bytes.appendLittleEndian(part.corpus.fingerprint.value)
      bytes.appendLittleEndian(UInt64(part.share))
    }
    return Checksum(of: bytes)
  }

  private func requireFit(of index: Int) throws {
    let corpus = parts[index].corpus
    guard corpus.splitter == splitter else {
      throw UserError(
        .configuration, at: corpus.folder.string,
        "it is cut into words by \(Self.text(corpus.splitter)), and \(parts[0].corpus.folder) by "
          + Self.text(splitter),
        hint: "Preprocess both with the same --split and --max-word-bytes to train on them together.")
    }
    if let twin = parts[..<index].first(where: { $0.corpus.fingerprint == corpus.fingerprint }) {
      throw UserError(
        .wrongUsage, at: corpus.folder.string, "it holds the same data as \(twin.corpus.folder)",
        hint: "Name it once, with the sum of the weights.")
    }
  }

  private static func text(_ splitter: WordSplitter) -> String {
    "\(splitter.rule.versionedName) with at most \(splitter.maximumWordBytes) bytes a word"
  }
}
