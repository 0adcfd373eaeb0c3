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
  /// - Throws: `UserError`: `configuration` when the corpora were cut into words by different rules, or some hold preferences and
  ///   some do not;
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

  /// What the documents are: `preferences` where those of all corpora are, `dialogues` where those of any are, else `text`.
  public var documents: DocumentKind {
    let kinds = parts.map(\.corpus.documents)
    return kinds.allSatisfy { $0 == kinds[0] } ? kinds[0] : .dialogues
  }

  /// A single corpus's own; otherwise the checksum of every corpus's fingerprint and share, in order.
  public var fingerprint: Checksum {
    guard parts.count > 1 else { return parts[0].corpus.fingerprint }
    var bytes: [UInt8] = []
    for part in parts {
      bytes.append(part.corpus.fingerprint)
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
        hint: "Preprocess both with the same `rule` and `maximumWordBytes` to train on them together.")
    }
    let (kind, first) = (corpus.documents, parts[0].corpus.documents)
    guard (kind == .preferences) == (first == .preferences) else {
      throw UserError(
        .configuration, at: corpus.folder.string,
        "it holds \(kind.rawValue), and \(parts[0].corpus.folder) \(first.rawValue): preferences are learnt by another rule",
        hint:
          "Train on text and dialogues first, and then on preferences, with that run as the `initialCheckpoint`."
      )
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

/// Says which corpus the next sequence comes from: the one that has given the fewest target bytes for its share.
///
/// With n corpora and sequences of at most L bytes, corpus i has at any moment given between shareᵢ · T − n · L
/// and shareᵢ · T + L of all T bytes. Nothing is random: the next corpus is a function of what has been given.
struct MixtureSchedule {
  /// Above 0, in any unit.
  let shares: [Int]
  /// Target bytes of each corpus.
  private(set) var given: [Int]

  init(shares: [Int], given: [Int]? = nil) {
    self.shares = shares
    self.given = given ?? Array(repeating: 0, count: shares.count)
  }

  /// The first of those furthest behind.
  var next: Int {
    shares.indices.dropFirst().reduce(0) { isBehind($1, $0) ? $1 : $0 }
  }

  mutating func take(_ targetBytes: Int, from corpus: Int) {
    given[corpus] += targetBytes
  }

  /// Whether given / share of one is less than of the other, multiplied out.
  private func isBehind(_ one: Int, _ other: Int) -> Bool {
    let (left, right) = (
      given[one].multipliedFullWidth(by: shares[other]), given[other].multipliedFullWidth(by: shares[one])
    )
    return (left.high, left.low) < (right.high, right.low)
  }
}
