/// How long an activity may take before it is taken for hung, learnt from how long it took before.
struct TimeAllowance: Sendable {
  /// Times the slowest of the last ones.
  static let factor = 10.0
  /// Seconds that are always allowed: a busy machine is not a hung one.
  static let floor = 60.0
  /// Seconds while too little is known.
  static let untried = 1800.0
  private static let enoughSamples = 3
  private static let memory = 32

  /// In place of what would be learnt.
  private let fixed: Double?
  private var recent: [Double] = []
  private var count = 0

  init(fixed: Double?) {
    self.fixed = fixed
    recent.reserveCapacity(Self.memory)
  }

  /// In seconds.
  var seconds: Double {
    if let fixed { return fixed }
    guard count >= Self.enoughSamples else { return Self.untried }
    return max(Self.floor, Self.factor * recent.max()!)
  }

  mutating func learn(seconds: Double) {
    if recent.count < Self.memory { recent.append(seconds) } else { recent[count % Self.memory] = seconds }
    count += 1
  }
}
