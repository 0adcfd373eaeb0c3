/// A right spelling and a wrong one.
public struct SpellingQuestion: Question {
  public static let example = #"{"good": "receive", "bad": "recieve", "context": "Did you "}"#

  public var context: String
  public var good: String
  public var bad: String

  private enum CodingKeys: CodingKey {
    case context, good, bad
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    context = try container.decodeIfPresent(String.self, forKey: .context) ?? ""
    good = try container.decode(String.self, forKey: .good)
    bad = try container.decode(String.self, forKey: .bad)
  }

  public var fault: (problem: String, hint: String)? {
    if good.isEmpty || bad.isEmpty { return ("a spelling is empty", "Give both.") }
    if good.utf8.elementsEqual(bad.utf8) { return ("\"good\" and \"bad\" are the same", "Give two.") }
    return nil
  }

  /// A space closes both spellings: else one that begins the other could not lose.
  public func ask(_ scorer: some TextScorer) throws -> SpellingTally {
    let (good, bad) = (try score(good + " ", scorer), try score(bad + " ", scorer))
    var tally = SpellingTally()
    tally.pairs = 1
    tally.preferred = good.nats < bad.nats ? 1 : 0
    return tally
  }
}

public struct SpellingTally: Tally, Equatable {
  public var pairs = 0
  /// Pairs whose right spelling is likelier.
  public var preferred = 0

  public init() {}

  public static func + (first: SpellingTally, second: SpellingTally) -> SpellingTally {
    var sum = first
    sum.pairs += second.pairs
    sum.preferred += second.preferred
    return sum
  }

  public var measures: [Measure] {
    [Measure("preference", Double(preferred) / Double(pairs), better: .more)]
  }

  public var counts: [Count] { [Count("pairs", pairs), Count("preferred", preferred)] }
}
