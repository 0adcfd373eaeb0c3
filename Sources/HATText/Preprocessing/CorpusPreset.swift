import HATStorage

/// Corpora that many use, with what preprocessing must know of their files.
public enum CorpusPreset: String, Sendable, CaseIterable {
  /// DCLM-baseline: JSON Lines.
  case dclm
  /// FineWeb and FineWeb-Edu: Parquet.
  case fineweb
  /// FineWeb-2: Parquet.
  case fineweb2 = "fineweb-2"
  /// The Stack, version 1, and its deduplicated form: Parquet.
  case stack
  /// Dolma: JSON Lines.
  case dolma
  /// Wikipedia as the Wikimedia Foundation publishes it: Parquet.
  case wikipedia

  /// Where the text is.
  public var field: String { self == .stack ? "content" : "text" }

  /// What is worth keeping besides language, license and source.
  public var keep: [String] {
    switch self {
    case .dclm: ["url"]
    case .fineweb: ["id", "url", "dump", "language_score"]
    case .fineweb2:
      ["id", "url", "dump", "language_score", "language_script", "minhash_cluster_size"]
    case .stack: ["lang", "max_stars_repo_name", "max_stars_repo_path"]
    case .dolma: ["id"]
    case .wikipedia: ["id", "url", "title"]
    }
  }

  /// Whether its documents have `DocumentFilters.languageScoreField`.
  public var hasLanguageScore: Bool { [.fineweb, .fineweb2].contains(self) }

  /// Sets what the corpus is known for where nothing else is set.
  /// - Parameters:
  ///   - field: set instead of the preset's.
  ///   - keep: set instead of the preset's.
  /// - Throws: `UserError` of kind `wrongUsage` for a filter that the corpus has no field for, or for documents that are not text.
  public func apply(to settings: inout PreprocessSettings, field: String?, keep: [String]?) throws {
    guard settings.documents == .text else {
      throw UserError(
        .wrongUsage, at: "`preset`", "\(rawValue) is a corpus of text, not of \(settings.documents.rawValue)",
        hint: "Leave `preset` or `documents` out.")
    }
    settings.field = field ?? self.field
    settings.keep = keep ?? self.keep
    guard settings.filters.minimumLanguageScore == nil || hasLanguageScore else {
      let others = Self.allCases.filter(\.hasLanguageScore).map(\.rawValue).joined(
        separator: " and ")
      throw UserError(
        .wrongUsage, at: "`minimumLanguageScore`",
        "the documents of \(rawValue) have no language score",
        hint: "Leave it out; of the presets, \(others) have one. `where` filters by other fields.")
    }
  }
}
