/// Where a rank's micro-batches come from: the same stream on every rank, of which each takes its own.
public protocol MicroBatchSource: AnyObject {
  associatedtype MicroBatch

  /// Where the next step's data begins, in a form that makes a source that goes on there.
  func cursor() throws -> String

  /// How many times each corpus has been gone through so far; empty for data that have no end.
  var epochs: [Double] { get }

  /// Moves past the data of one step and returns those of its micro-batches that are this rank's, in order.
  func nextStep() throws -> [MicroBatch]

  /// What the micro-batches of the step given last were made of, all ranks', each document named so that a person
  /// finds it. Asked for seldom: when a step went wrong.
  func documentsOfLastStep() throws -> [[String]]

  /// The held-out micro-batches whose index is `owned`; the same at every call.
  func heldOut(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch>
}

/// Held-out micro-batches: those of the first corpus, then those of the next.
public struct HeldOut<MicroBatch> {
  /// How many there are of each corpus, on all ranks together.
  public var counts: [Int]
  /// Those of this rank, in order.
  public var owned: [MicroBatch]

  public init(counts: [Int], owned: [MicroBatch]) {
    (self.counts, self.owned) = (counts, owned)
  }
}
