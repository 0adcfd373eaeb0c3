/// Documents that were changed on their way in, or left out.
public struct LeftOutCounts: Sendable, Codable, Equatable {
  /// Left out because they have no text.
  public var empty = 0
  /// Left out because they are not UTF-8.
  public var invalid = 0
  /// Left out because an earlier document has the same text.
  public var duplicate = 0
  /// Kept, with U+FFFD where they were not UTF-8.
  public var repaired = 0
  /// Left out because there is no value where their text should be.
  public var null = 0
  /// Left out because an earlier document has nearly the same text.
  public var nearDuplicate = 0
  /// Left out by `DocumentFilters.minimumBytes`.
  public var tooShort = 0
  /// Left out by `DocumentFilters.maximumBytes`.
  public var tooLong = 0
  /// Left out because a field that a filter looks at is not there.
  public var withoutMetadata = 0
  /// Left out by `DocumentFilters.minimumLanguageScore`.
  public var lowLanguageScore = 0
  /// Left out by `DocumentFilters.patterns`.
  public var unmatched = 0
  /// Left out because nothing counts in them: dialogues without an answer to learn.
  public var withoutAnswer = 0
  /// Left out because both dialogues of the pair are the same.
  public var withoutPreference = 0

  /// Left out by filters.
  var filtered: Int { tooShort + tooLong + withoutMetadata + lowLanguageScore + unmatched }

  private static var all: [WritableKeyPath<Self, Int>] {
    [
      \.empty, \.invalid, \.duplicate, \.repaired, \.null, \.nearDuplicate, \.tooShort, \.tooLong,
      \.withoutMetadata,
      \.lowLanguageScore, \.unmatched, \.withoutAnswer, \.withoutPreference,
    ]
  }

  var isPlausible: Bool {
    Self.all.allSatisfy { 0...ShardFormat.largestCount ~= self[keyPath: $0] }
  }

  static func += (left: inout Self, right: Self) {
    for count in all { left[keyPath: count] += right[keyPath: count] }
  }
}

extension LeftOutCounts {
  private enum CodingKeys: CodingKey {
    case empty, invalid, duplicate, repaired, null, nearDuplicate, tooShort, tooLong, withoutMetadata,
      lowLanguageScore, unmatched, withoutAnswer, withoutPreference
  }

  /// Corpora that were made before there were Parquet and filters say nothing of what these leave out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    empty = try values.decode(Int.self, forKey: .empty)
    invalid = try values.decode(Int.self, forKey: .invalid)
    duplicate = try values.decode(Int.self, forKey: .duplicate)
    repaired = try values.decode(Int.self, forKey: .repaired)
    func newer(_ key: CodingKeys) throws -> Int { try values.decodeIfPresent(Int.self, forKey: key) ?? 0 }
    null = try newer(.null)
    nearDuplicate = try newer(.nearDuplicate)
    tooShort = try newer(.tooShort)
    tooLong = try newer(.tooLong)
    withoutMetadata = try newer(.withoutMetadata)
    lowLanguageScore = try newer(.lowLanguageScore)
    unmatched = try newer(.unmatched)
    withoutAnswer = try newer(.withoutAnswer)
    withoutPreference = try newer(.withoutPreference)
  }

  /// Text is never left out for what dialogues lack, and its manifest does not speak of it.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(empty, forKey: .empty)
    try values.encode(invalid, forKey: .invalid)
    try values.encode(duplicate, forKey: .duplicate)
    try values.encode(repaired, forKey: .repaired)
    try values.encode(null, forKey: .null)
    try values.encode(nearDuplicate, forKey: .nearDuplicate)
    try values.encode(tooShort, forKey: .tooShort)
    try values.encode(tooLong, forKey: .tooLong)
    try values.encode(withoutMetadata, forKey: .withoutMetadata)
    try values.encode(lowLanguageScore, forKey: .lowLanguageScore)
    try values.encode(unmatched, forKey: .unmatched)
    if withoutAnswer > 0 { try values.encode(withoutAnswer, forKey: .withoutAnswer) }
    if withoutPreference > 0 { try values.encode(withoutPreference, forKey: .withoutPreference) }
  }
}
