import HATCore
import HATStorage

/// The memory one rank will hold, in bytes, by purpose.
public struct RankMemory: Sendable, Equatable {
  /// The program, its libraries and MPI's buffers: measured, not computed (docs/distributed.md).
  public static let processBytes = 64 << 20

  public var parameters: Int
  /// As many gradient buffers as the rank's part of the micro-batch tree is deep.
  public var gradients: Int
  public var moments: Int
  public var activations: Int
  /// What arrives from other ranks while gradients are summed.
  public var exchange: Int
  /// The copy of the rank's slice that a checkpoint is written from.
  public var staging: Int
  public var process = RankMemory.processBytes

  public var total: Int { parameters + gradients + moments + activations + exchange + staging + process }

  /// - Throws: `UserError` of kind `configuration` when the micro-batches do not divide by the ranks.
  public init(_ configuration: Configuration, ranks: Int, zeroStage: Int, maxWordBytes: Int) throws {
    let tree = try MicroBatchTree(microBatches: configuration.training.microBatches, ranks: ranks)
    let count = ParameterLayout(configuration.model).count
    let table = SliceTable(count: count, ranks: ranks)
    let floatBytes = MemoryLayout<Float>.size
    parameters = count * floatBytes
    gradients = tree.depth * count * floatBytes
    moments = 2 * (zeroStage == 0 ? count : table.longestSlice) * floatBytes
    activations =
      HierarchicalTransformer.activationFloats(
        configuration.model, capacity: BatchCapacity(of: configuration, maxWordBytes: maxWordBytes))
      * floatBytes
    exchange = GradientReducer.receivedFloats(table) * floatBytes
    staging = CheckpointWriter.stagingFloats(slice: table.longestSlice) * floatBytes
  }
}
