import HATCore
import HATStorage

/// The memory of one rank in bytes, by purpose.
public struct RankMemory: Sendable, Equatable, Encodable {
  /// The program, its libraries and MPI's buffers: measured (docs/distributed.md).
  public static let processBytes = 40 << 20

  /// The rank's part of the parameters its node shares, and its own slices.
  public var parameters: Int
  /// For computing and summing gradients.
  public var gradients: Int
  /// State of the optimiser, and memory it computes in.
  public var optimizerState: Int
  public var activations: Int
  /// Buffers for sums of gradients between nodes.
  public var exchange: Int
  /// The copy of the rank's slice from which a checkpoint is written during training.
  public var staging: Int
  /// The rank's part of what rank 0 takes while it writes a sample.
  public var sampling: Int
  public var process = RankMemory.processBytes

  public var total: Int {
    parameters + gradients + optimizerState + activations + exchange + staging + sampling + process
  }

  /// - Parameters:
  ///   - nodes: the ranks are spread over them evenly.
  ///   - bytesPerToken: of the text, for a subword model; 1 gives the memory of the worst possible text.
  /// - Throws: `UserError` of kind `configuration` if the micro-batches do not divide by the ranks.
  public init(
    _ configuration: Configuration, ranks: Int, nodes: Int, zeroStage: Int, maxWordBytes: Int,
    bytesPerToken: Double = 1
  ) throws {
    let (tensors, rule) = (TensorTable(configuration.model), configuration.training.optimizerRule)
    let sharding = try Sharding(
      stage: zeroStage, nodes: NodeMap(ranks: ranks, nodes: nodes), tensors, rule,
      microBatches: configuration.training.microBatches)
    let state = StateSection.all(of: rule, tensors)
    let floatBytes = MemoryLayout<Float>.size
    parameters = sharding.parameterFloats * floatBytes
    gradients = sharding.allGradientFloats * floatBytes
    optimizerState =
      floatBytes
      * sharding.mostFloats {
        let ranges = sharding.updatedRanges(ofRank: $0)
        return state.floats(of: ranges) + rule.scratchFloats(tensors, ranges)
      }
    activations =
      floatBytes
      * Self.activationFloats(configuration, maxWordBytes: maxWordBytes, bytesPerToken: bytesPerToken)
    exchange =
      GradientReducer.exchangeBytes(
        sharding.nodes, longestSlice: sharding.table.longestSlice,
        format: configuration.training.gradientExchange)
      + (sharding.markedTables == nil ? 0 : SliceSpreader.rowBytes(sharding.nodes))
    staging =
      floatBytes
      * CheckpointWriter.stagingFloats(
        share: sharding.mostFloats {
          ([.parameters(tensors)] + state).floats(of: sharding.table.slices(ofRank: $0))
        }, every: configuration.output.checkpointEvery)
    let sampleFloats = configuration.sampleFloats(maxWordBytes: maxWordBytes)
    // One rank of one node has it: its neighbours leave it room.
    sampling =
      floatBytes * (sampleFloats + (sampleFloats > 0 && sharding.slicesParameters ? tensors.count : 0))
      / sharding.nodes.ranks[0].count
  }

  static func activationFloats(
    _ configuration: Configuration, maxWordBytes: Int, bytesPerToken: Double
  ) -> Int {
    let execution = Execution(
      capacity: BatchCapacity(configuration, maxWordBytes: maxWordBytes, bytesPerToken: bytesPerToken),
      recomputation: configuration.training.recompute,
      // Activations depend on the precision alone.
      arithmetic: .ofFewRows(configuration.training.precision))
    return switch configuration.model.kind {
    case .hierarchical: HierarchicalTransformer.activationFloats(configuration.model, execution)
    case .subword: SubwordTransformer.activationFloats(configuration.model, execution)
    }
  }
}

extension Sharding {
  /// Floats of a rank's part of the parameters its node shares, and of its own slices.
  fileprivate var parameterFloats: Int {
    let shared = slicesParameters ? tensors.workingCount : tensors.count
    return shared / nodes.ranks[0].count + (slicesParameters ? table.largestShare : 0)
  }

  fileprivate var allGradientFloats: Int {
    runDepth * GradientBuffer.floats(gradientFloats, markedTables)
      + (sumsInPlace ? 0 : roundDepth * updatedFloats)
  }

  /// The most parameters that any rank updates.
  private var updatedFloats: Int {
    mostFloats { updatedRanges(ofRank: $0).reduce(0) { $0 + $1.count } }
  }

  /// The most floats of any rank.
  fileprivate func mostFloats(_ floats: (_ rank: Int) -> Int) -> Int {
    nodes.nodeOfRank.indices.map(floats).max()!
  }
}
