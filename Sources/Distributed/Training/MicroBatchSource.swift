/// Where micro-batches come from: the same stream on every rank, of which each takes its own.
public protocol MicroBatchSource: AnyObject {
  associatedtype MicroBatch

  /// Where the next step's data begins, in a form that makes a source that goes on there.
  func cursor() throws -> String

  /// Moves past the data of one step and returns those of its micro-batches that are `owned`, in order.
  func nextStep(owned: Range<Int>) throws -> [MicroBatch]

  /// What the micro-batches of the step given last were made of, all ranks', each document named so that a person
  /// finds it. Asked for seldom: when a step went wrong.
  func documentsOfLastStep() throws -> [[String]]

  /// The held-out micro-batches whose index is `owned`, in order, and how many there are in all; the same at
  /// every call.
  func heldOut(owned: (Int) -> Bool) throws -> (count: Int, owned: [MicroBatch])
}

/// What a checkpoint records of the data.
public struct DataDescription: Sendable, Equatable {
  /// Name and version of the rule that cut the text into words.
  public var splittingRule: String
  public var maxWordBytes: Int
  public var fingerprint: String

  public init(splittingRule: String, maxWordBytes: Int, fingerprint: String) {
    self.splittingRule = splittingRule
    self.maxWordBytes = maxWordBytes
    self.fingerprint = fingerprint
  }
}
