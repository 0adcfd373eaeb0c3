import HATCore
import HATStorage

/// The memory that a rank takes before its first step. Not what it only reserves, and takes later or never: what it needs at
/// most is in `RankMemory`.
struct StartMemory: Codable, Sendable, Equatable {
  /// Bytes of its own.
  let own: Int
  /// Bytes of its part of what the ranks of its node share.
  let shared: Int

  /// - Throws: `UserError` of kind `configuration` if the micro-batches do not divide by the ranks.
  init(_ configuration: Configuration, rank: Int, nodes: NodeMap, maxWordBytes: Int) throws {
    let (tensors, rule) = (TensorTable(configuration.model), configuration.training.optimizerRule)
    let sharding = try Sharding(
      stage: configuration.training.zeroStage, nodes: nodes, tensors, rule,
      microBatches: configuration.training.microBatches)
    let state = StateSection.all(of: rule, tensors)
    let (updated, slices) = (sharding.updatedRanges(ofRank: rank), sharding.table.slices(ofRank: rank))
    let gradient = GradientBuffer.floats(sharding.gradientFloats, sharding.markedTables)
    let parameters = sharding.slicesParameters ? tensors.workingCount : tensors.count
    // A subword model only reserves its activations.
    let activations =
      configuration.model.kind == .hierarchical
      ? RankMemory.activationFloats(configuration, maxWordBytes: maxWordBytes, bytesPerToken: 1) : 0
    let floatBytes = MemoryLayout<Float>.size
    own =
      floatBytes
      * ((sharding.slicesParameters ? sharding.table.count(ofRank: rank) : 0)
        + (sharding.runDepth - 1) * gradient
        + state.floats(of: updated) + rule.scratchFloats(tensors, updated)
        + activations
        + CheckpointWriter.stagingFloats(
          share: ([.parameters(tensors)] + state).floats(of: slices),
          every: configuration.output.checkpointEvery))
    shared = floatBytes * (parameters / nodes.neighbours(ofRank: rank).count + gradient)
  }
}

/// Whether the ranks of a training find the memory they begin with.
public enum MemoryCheck {
  /// What a rank needs, and what it has.
  private struct Rank: Codable {
    let need: StartMemory
    let limits: [MemoryLimit]
  }

  /// Refuses a training whose ranks cannot even begin; to be called before any of them takes memory. Collective.
  /// - Parameter threads: that each rank computes with.
  /// - Throws: `UserError` of kind `configuration`, or `AgreedFailure`.
  public static func requireRoom(
    for configuration: Configuration, maxWordBytes: Int, threads: Int, on communicator: any Communicator
  ) throws {
    let nodes = communicator.nodes
    let own = try communicator.together {
      Rank(
        need: try StartMemory(
          configuration, rank: communicator.rank, nodes: nodes, maxWordBytes: maxWordBytes),
        limits: limits(hasNeighbours: nodes.neighbours(ofRank: communicator.rank).count > 1))
    }
    let all = try communicator.allGather(own)
    try communicator.together {
      let neighbours = nodes.neighbours(ofRank: communicator.rank).map { all[$0] }
      for limit in own.limits { try require(limit, own: own, among: neighbours, threads: threads) }
    }
  }

  /// What may go to disk counts as room: slow is not impossible.
  private static func limits(hasNeighbours: Bool) -> [MemoryLimit] {
    let available = AvailableMemory()
    let common = available.common.map {
      MemoryLimit(kind: $0.kind, name: $0.name, room: $0.room + available.swap)
    }
    return common + available.ownLimits + (hasNeighbours ? MemoryLimit.sharedMemory() : [])
  }

  /// Addresses set aside for libraries and the threads that every training has, which would crash for want of them
  /// (measured: docs/distributed.md, "Memory").
  private static let libraryAddresses = 512 << 20

  /// Addresses set aside for what is not the model's.
  static func runtimeAddresses(threads: Int, stackBytes: Int = ThreadMemory.stackBytes) -> Int {
    libraryAddresses + (threads - 1) * (stackBytes + ThreadMemory.heapBytes)
  }

  private static func require(
    _ limit: MemoryLimit, own: Rank, among neighbours: [Rank], threads: Int
  ) throws {
    let sharing = neighbours.filter { $0.limits.contains { $0.name == limit.name } }
    let shared = neighbours.reduce(0) { $0 + $1.need.shared }
    let need =
      switch limit.kind {
      case .everything: sharing.reduce(0) { $0 + $1.need.own + $1.need.shared }
      case .addresses: own.need.own + shared + runtimeAddresses(threads: threads)
      case .ownMemory: own.need.own + (neighbours.count > 1 ? 0 : shared)
      case .sharedMemory: shared
      // Pieces are checked when they are made.
      case .sharedFile: 0
      }
    guard need > limit.room else { return }
    throw MemoryShortage.error(limit, need: need, ranks: sharing.count)
  }
}

/// The message about a limit that is too low.
enum MemoryShortage {
  /// - Parameters:
  ///   - need: in bytes.
  ///   - ranks: that need it together.
  static func error(_ limit: MemoryLimit, need: Int, ranks: Int) -> UserError {
    let who =
      switch limit.kind {
      case .everything: ranks == 1 ? "training needs" : "its \(ranks) ranks need"
      case .addresses, .ownMemory: "a rank needs"
      case .sharedMemory, .sharedFile: "the ranks of a node need"
      }
    let what =
      switch limit.kind {
      case .everything, .addresses, .ownMemory: "MiB before the first step"
      case .sharedMemory: "MiB of shared memory"
      case .sharedFile: "MiB of shared memory in one file"
      }
    return UserError(
      .configuration, at: limit.name,
      "\(who) \(need >> 20) \(what), and there is room for \(limit.room >> 20) MiB",
      hint: hint(limit.kind) + "`hat-mpirun plan` says what a model needs.")
  }

  private static func hint(_ kind: MemoryLimit.Kind) -> String {
    switch kind {
    case .everything:
      "Use a smaller model or shorter sequences, fewer ranks on a machine, or more machines with a higher "
        + "training.zero_stage: "
    case .addresses, .ownMemory: "Raise this limit, or use a smaller model: "
    case .sharedFile: "Raise this limit, or train in one process: "
    case .sharedMemory:
      "Make it larger (mount -o remount,size=…; docker run --shm-size=…), or spread the ranks over more nodes: "
    }
  }
}
