import HATCore
import HATStorage

/// The memory one rank will hold, in bytes, by purpose.
public struct RankMemory: Sendable, Equatable {
  /// The program, its libraries and MPI's buffers: measured, not computed (docs/distributed.md).
  public static let processBytes = 64 << 20

  /// The rank's part of what its node keeps once, and slices of its own.
  public var parameters: Int
  /// What the rank computes gradients in, and sums them in.
  public var gradients: Int
  public var moments: Int
  public var activations: Int
  /// What travels between nodes while gradients are summed.
  public var exchange: Int
  /// The copy of the rank's slice that a checkpoint is written from while training goes on.
  public var staging: Int
  public var process = RankMemory.processBytes

  public var total: Int { parameters + gradients + moments + activations + exchange + staging + process }

  /// - Parameters:
  ///   - nodes: over which the ranks are spread evenly.
  ///   - bytesPerToken: of the text, for a model of tokens; 1 is the most memory any text can take.
  /// - Throws: `UserError` of kind `configuration` when the micro-batches do not divide by the ranks.
  public init(
    _ configuration: Configuration, ranks: Int, nodes: Int, zeroStage: Int, maxWordBytes: Int,
    bytesPerToken: Double = 1
  ) throws {
    let layout = ParameterLayout(configuration.model)
    let sharding = try Sharding(
      stage: zeroStage, nodes: NodeMap(ranks: ranks, nodes: nodes),
      units: ModelUnits(count: layout.count, blocks: layout.blocks),
      microBatches: configuration.training.microBatches)
    let floatBytes = MemoryLayout<Float>.size
    parameters = sharding.parameterFloats * floatBytes
    gradients = sharding.allGradientFloats * floatBytes
    moments = 2 * sharding.updatedFloats * floatBytes
    activations =
      floatBytes
      * Self.activationFloats(configuration, maxWordBytes: maxWordBytes, bytesPerToken: bytesPerToken)
    exchange = GradientReducer.exchangeBytes(
      sharding.nodes, longestSlice: sharding.table.longestSlice,
      format: configuration.training.gradientExchange)
    staging =
      floatBytes
      * CheckpointWriter.stagingFloats(
        share: sharding.table.largestShare, every: configuration.output.checkpointEvery)
  }

  private static func activationFloats(
    _ configuration: Configuration, maxWordBytes: Int, bytesPerToken: Double
  ) -> Int {
    switch configuration.model.kind {
    case .hierarchical:
      HierarchicalTransformer.activationFloats(
        configuration.model, capacity: BatchCapacity(of: configuration, maxWordBytes: maxWordBytes))
    case .subword:
      SubwordTransformer.activationFloats(
        configuration.model,
        capacity: TokenCapacity(
          of: configuration, sequences: configuration.sequencesPerMicroBatch, bytesPerToken: bytesPerToken))
    }
  }
}

extension Sharding {
  /// Floats of a rank's part of the parameters its node keeps, and of those it keeps itself.
  fileprivate var parameterFloats: Int {
    let shared = slicesParameters ? units.workingCount : units.count
    return shared / nodes.ranks[0].count + (slicesParameters ? table.largestShare : 0)
  }

  fileprivate var allGradientFloats: Int {
    runDepth * gradientFloats + (sumsInPlace ? 0 : roundDepth * updatedFloats)
  }

  /// Floats the rank that has most updates.
  fileprivate var updatedFloats: Int {
    stage == 0 ? updatedRanges(ofRank: 0).reduce(0) { $0 + $1.count } : table.largestShare
  }
}
