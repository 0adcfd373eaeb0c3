/// One measured way of training.
struct ScalingPoint: Encodable {
  enum Mode: String, Encodable {
    /// The same work for every rank.
    case weak
    /// The same work in all.
    case strong
    /// Processes side by side, each with a rank's share of the work, that know nothing of each other.
    case apart
  }

  var mode: Mode
  var ranks: Int
  var nodes = 1
  /// The median of the measured steps.
  var stepSeconds: Double
  /// The part of the ranks that the step would need without the others: 1 is perfect.
  var efficiency: Double
  /// Seconds a step on rank 0, the mean.
  var phases: [String: Double]
  /// Floating-point operations a second of all ranks, by the plain count.
  var modelFlopsPerSecond: Double

  /// The phases of a step, in the order of the time line.
  static let phases = ["data_wait", "compute", "wait", "reduction", "exchange", "update", "checkpoint_stall"]
}
