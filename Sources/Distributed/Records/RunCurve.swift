/// A step as metrics.jsonl has it. Fields that the line lacks are NaN.
package struct LoggedStep {
  package var step: Int
  package var loss, bitsPerByte, bytes, gradientNorm, learningRate, seconds, wordsPerSecond, flops: Double
  package var dataWaitSeconds, checkpointStallSeconds, waitSeconds, skippedSteps: Double

  static let keys = [
    "step", "loss", "bits_per_byte", "target_bytes", "gradient_norm", "learning_rate", "step_seconds",
    "words_per_second", "model_flops_per_second", "data_wait_seconds", "checkpoint_stall_seconds",
    "wait_seconds",
    "skipped_steps",
  ]

  /// Bytes or words of a step: sums of them are far from overflowing.
  private static let counts = 0...1e12
  /// In seconds.
  private static let times = 0...1e9

  /// - Parameter numbers: in the order of the keys.
  /// - Returns: nil where there is no step, or nothing of what a step costs, or more than a step can have.
  init?(_ numbers: [Double]) {
    guard let step = Int(exactly: numbers[0]), step > 0, Self.counts.contains(numbers[3]),
      Self.times.contains(numbers[6])
    else { return nil }
    self.step = step
    (loss, bitsPerByte, bytes) = (numbers[1], numbers[2], numbers[3])
    (gradientNorm, learningRate, seconds) = (numbers[4], numbers[5], numbers[6])
    wordsPerSecond = Self.counts.contains(numbers[7] * numbers[6]) ? numbers[7] : .nan
    flops = numbers[8] * numbers[6]
    (dataWaitSeconds, checkpointStallSeconds, waitSeconds) = (numbers[9], numbers[10], numbers[11])
    skippedSteps = numbers[12]
  }
}

/// What some steps cost, or all up to one.
package struct TrainingCost: Encodable, Sendable, Equatable {
  /// Of text predicted.
  package var bytes = 0
  /// Of the plain algorithm.
  package var flops = 0.0
  /// Of the steps alone, without evaluations and checkpoints.
  package var seconds = 0.0

  mutating func add(_ step: LoggedStep) {
    bytes += Int(step.bytes)
    flops += step.flops.isFinite ? step.flops : 0
    seconds += step.seconds
  }
}

/// A point of a run's curve: the mean of some neighbouring steps, of which `step` is the last.
package struct CurvePoint: Encodable, Sendable, Equatable {
  package var step: Int
  /// Of all steps up to this.
  package var cost: TrainingCost
  /// These four are left out where no step has a number.
  package var loss: Double?
  package var bitsPerByte: Double?
  package var gradientNorm: Double?
  package var learningRate: Double?
  package var stepSeconds: Double

  private enum CodingKeys: CodingKey {
    case step, loss, bitsPerByte, gradientNorm, learningRate, stepSeconds
  }

  /// One object, with the fields of `cost` beside the others.
  package func encode(to encoder: any Encoder) throws {
    try cost.encode(to: encoder)
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(step, forKey: .step)
    try object.encodeIfPresent(loss, forKey: .loss)
    try object.encodeIfPresent(bitsPerByte, forKey: .bitsPerByte)
    try object.encodeIfPresent(gradientNorm, forKey: .gradientNorm)
    try object.encodeIfPresent(learningRate, forKey: .learningRate)
    try object.encode(stepSeconds, forKey: .stepSeconds)
  }
}

/// A curve of limited length, however long the run is: when it is full, every two neighbouring points become one.
struct ThinnedCurve {
  /// Sums over the steps of a point.
  private struct Sums {
    var step = 0
    var count = 0
    var cost = TrainingCost()
    var seconds = 0.0
    /// Of steps whose loss is a number: nats times bytes, bits, and bytes.
    var loss = 0.0
    var bits = 0.0
    var bytes = 0.0
    /// Of gradients, and how many are numbers.
    var norm = 0.0
    var norms = 0
    var learningRate = Double.nan

    mutating func add(_ other: Sums) {
      (step, cost, learningRate) = (other.step, other.cost, other.learningRate)
      count += other.count
      seconds += other.seconds
      (loss, bits, bytes) = (loss + other.loss, bits + other.bits, bytes + other.bytes)
      (norm, norms) = (norm + other.norm, norms + other.norms)
    }
  }

  private let limit: Int
  /// Steps of a point.
  private(set) var width = 1
  private var sums: [Sums] = []
  private(set) var cost = TrainingCost()

  /// - Parameter limit: points, at most; at least two.
  init(limit: Int) { self.limit = max(2, limit) }

  mutating func add(_ step: LoggedStep) {
    cost.add(step)
    var new = Sums(step: step.step, count: 1, cost: cost, seconds: step.seconds)
    if step.bitsPerByte.isFinite && step.bytes > 0 {
      new.bits = step.bitsPerByte * step.bytes
      new.loss = (step.loss.isFinite ? step.loss : 0) * step.bytes
      new.bytes = step.bytes
    }
    if step.gradientNorm.isFinite { (new.norm, new.norms) = (step.gradientNorm, 1) }
    new.learningRate = step.learningRate
    if let last = sums.last, last.count < width {
      sums[sums.count - 1].add(new)
    } else {
      if sums.count == limit { halve() }
      // Halving may have left the last point with room.
      if let last = sums.last, last.count < width { sums[sums.count - 1].add(new) } else { sums.append(new) }
    }
  }

  private mutating func halve() {
    sums = stride(from: 0, to: sums.count, by: 2).map { index in
      var pair = sums[index]
      if index + 1 < sums.count { pair.add(sums[index + 1]) }
      return pair
    }
    width *= 2
  }

  var points: [CurvePoint] {
    sums.map { sum in
      CurvePoint(
        step: sum.step, cost: sum.cost, loss: sum.bytes > 0 ? sum.loss / sum.bytes : nil,
        bitsPerByte: sum.bytes > 0 ? sum.bits / sum.bytes : nil,
        gradientNorm: sum.norms > 0 ? sum.norm / Double(sum.norms) : nil,
        learningRate: sum.learningRate.isFinite ? sum.learningRate : nil,
        stepSeconds: sum.seconds / Double(sum.count))
    }
  }
}

/// The figures of a run's last steps.
struct LastSteps {
  static let count = 50

  private var steps: [LoggedStep] = []
  private var next = 0

  mutating func add(_ step: LoggedStep) {
    if steps.count < Self.count { steps.append(step) } else { steps[next] = step }
    next = (next + 1) % Self.count
  }

  private var bytes: Double { steps.reduce(0) { $0 + $1.bytes } }
  private var seconds: Double { steps.reduce(0) { $0 + $1.seconds } }

  /// nil without steps, and where one of them has no number.
  var bitsPerByte: Double? {
    // In their order, so that the sum is the same however they lie.
    let ordered = steps.sorted { $0.step < $1.step }
    let bits = ordered.reduce(0) { $0 + $1.bitsPerByte * $1.bytes } / bytes
    return bits.isFinite ? bits : nil
  }

  var stepSeconds: Double? { steps.isEmpty ? nil : seconds / Double(steps.count) }
}
