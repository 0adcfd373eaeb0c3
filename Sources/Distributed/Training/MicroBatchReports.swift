import HATCore

/// What every micro-batch of a step gave, known on every rank and summed in the order of the micro-batches.
final class MicroBatchReports {
  /// One micro-batch's sums, and what its rank has to say besides.
  struct Report {
    var sum = LossSum()
    var flops = 0.0
    var dataWaitSeconds = 0.0
    var wantsStop = false
    var hasWritten = false
  }

  private let communicator: any Communicator
  private let tree: MicroBatchTree
  private let partition: RankPartition
  private let own: Range<Int>
  /// Rank by rank. [micro-batches]
  private let reports: UnsafeMutableBufferPointer<Report>
  private var ownDataWaitSeconds = 0.0

  init(communicator: any Communicator, tree: MicroBatchTree) {
    self.communicator = communicator
    self.tree = tree
    partition = RankPartition(count: tree.microBatches, ranks: tree.ranks)
    own = partition[communicator.rank]
    reports = .allocate(capacity: tree.microBatches)
    reports.initialize(repeating: Report())
  }

  deinit {
    reports.deallocate()
  }

  func record(_ sum: LossSum, flops: Double, ofMicroBatch index: Int) {
    reports[tree.slot(ofMicroBatch: index)] = Report(sum: sum, flops: flops)
  }

  /// What this rank has waited for the step's data.
  func record(dataWaitSeconds: Double) {
    ownDataWaitSeconds = dataWaitSeconds
  }

  /// Shares this rank's reports, and whether it wants to stop or its slices of a checkpoint are written.
  func share(wantsStop: Bool, hasWritten: Bool) throws {
    for index in own {
      reports[index].dataWaitSeconds = ownDataWaitSeconds
      reports[index].wantsStop = wantsStop
      reports[index].hasWritten = hasWritten
    }
    try communicator.allGatherInPlace(reports.baseAddress!, partition: partition)
  }

  var wantsStop: Bool { reports.contains { $0.wantsStop } }
  var allHaveWritten: Bool { reports.allSatisfy { $0.hasWritten } }
  var flops: Double { inOrder.reduce(0) { $0 + $1.flops } }
  /// The longest wait of any rank: what the step has lost.
  var dataWaitSeconds: Double { reports.reduce(0) { max($0, $1.dataWaitSeconds) } }
  var sum: LossSum { inOrder.reduce(LossSum()) { $0 + $1.sum } }

  /// All of them, where every loss is finite: then it is the gradient that is not.
  var microBatchesThatAreNotFinite: [Int] {
    let found = inOrder.enumerated().filter { !$0.element.sum.nats.isFinite }.map(\.offset)
    return found.isEmpty ? Array(reports.indices) : found
  }

  /// By micro-batch.
  private var inOrder: some Sequence<Report> {
    (0..<tree.microBatches).lazy.map { [reports, tree] in reports[tree.slot(ofMicroBatch: $0)] }
  }
}
