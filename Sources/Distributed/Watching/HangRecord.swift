/// What one rank wrote down when its time ran out.
struct HangRecord: Codable, Sendable {
  var rank: Int
  var ranks: Int
  var node: String
  var process: Int32
  var activity: Activity
  var step: Int
  /// Since the activity began.
  var seconds: Double
  /// How long it may take.
  var allowance: Double
  /// Of these, those in which the whole process was stopped.
  var stoodStill: Double
  /// Entered so far: ranks in step have entered as many.
  var collectives: Int
  /// Newest first.
  var operations: [Operation]

  /// One operation of the ring.
  struct Operation: Codable, Sendable {
    var kind: RankOperation
    var bytes: Int
    var step: Int
    var secondsAgo: Double
    /// nil while it goes on.
    var seconds: Double?
  }

  /// The operations that go on, the outermost first.
  var open: [Operation] { operations.filter { $0.seconds == nil }.reversed() }

  /// Whether the rank waits for others.
  var isWaiting: Bool { open.last?.kind.isCollective == true }
}
