/// How serious a finding is.
public enum Verdict: String, Codable, Sendable, Comparable {
  case fine
  /// Training works, but slower or with less certainty than it could.
  case worthKnowing = "worth_knowing"
  /// Training fails, or is so slow that it makes no sense.
  case wrong

  private var severity: Int {
    switch self {
    case .fine: 0
    case .worthKnowing: 1
    case .wrong: 2
    }
  }

  public static func < (one: Verdict, other: Verdict) -> Bool { one.severity < other.severity }
}

/// What a check has found, and what to do about it.
public struct Finding: Codable, Sendable, Equatable {
  /// The name of the check.
  public var check: String
  public var verdict: Verdict
  /// In words, with units.
  public var measured: String
  /// nil where nothing needs to be done.
  public var advice: String?
  /// The numbers behind the words, in bytes, seconds and bytes per second; the names are in snake_case.
  public var figures: [String: Double]

  public init(
    _ check: String, _ verdict: Verdict, _ measured: String, advice: String? = nil,
    figures: [String: Double] = [:]
  ) {
    (self.check, self.verdict, self.measured) = (check, verdict, measured)
    (self.advice, self.figures) = (advice, figures)
  }
}
