import HATCore
import HATStorage

/// Identical nodes and the network between them.
public struct Cluster: Sendable, Equatable {
  public var nodes: Int
  public var ranksPerNode: Int
  /// Seconds for the shortest message.
  public var networkLatency: Double
  /// Bytes a second into a node, and the same out of it.
  public var networkBandwidth: Double
  /// Bytes a second of a node's memory, all ranks together.
  public var memoryBandwidth: Double
  /// Floating-point operations a second of a rank in training.
  public var computeRate: Double

  public init(
    nodes: Int, ranksPerNode: Int, networkLatency: Double, networkBandwidth: Double, memoryBandwidth: Double,
    computeRate: Double
  ) {
    self.nodes = nodes
    self.ranksPerNode = ranksPerNode
    self.networkLatency = networkLatency
    self.networkBandwidth = networkBandwidth
    self.memoryBandwidth = memoryBandwidth
    self.computeRate = computeRate
  }
}

/// The predicted cost of a training step on a cluster: computation from the FLOPs of the plain algorithm, node memory from
/// the bytes read and written, the network from the bytes and messages sent. Nothing overlaps.
public struct ClusterPrediction: Sendable, Equatable, Encodable {
  public var zeroStage: Int
  /// Bytes. Like all that is added up over ranks, it may be more than an `Int` holds.
  public var memoryPerNode: Double
  /// Bytes a node sends in a step; it receives the same number.
  public var trafficPerNode: Double
  public var computeSeconds: Double
  /// Sums and updates in the memory of a node.
  public var memorySeconds: Double
  public var networkSeconds: Double

  public var stepSeconds: Double { computeSeconds + memorySeconds + networkSeconds }
  /// The fraction of the step that is computation.
  public var efficiency: Double { computeSeconds / stepSeconds }

  /// - Throws: `UserError` of kind `configuration` if the micro-batches do not divide by the ranks.
  public init(
    _ configuration: Configuration, on cluster: Cluster, zeroStage: Int, maxWordBytes: Int,
    text: AssumedText
  ) throws {
    let ranks = cluster.nodes * cluster.ranksPerNode
    let sharding = try Sharding(
      stage: zeroStage, nodes: NodeMap(ranks: ranks, nodes: cluster.nodes), TensorTable(configuration.model),
      configuration.training.optimizerRule, microBatches: configuration.training.microBatches)
    let memory = try RankMemory(
      configuration, ranks: ranks, nodes: cluster.nodes, zeroStage: zeroStage, maxWordBytes: maxWordBytes,
      bytesPerToken: text.bytesPerToken)
    self.zeroStage = zeroStage
    memoryPerNode = Double(memory.total) * Double(cluster.ranksPerNode)
    computeSeconds = Self.flops(ofStep: configuration, text) / (Double(ranks) * cluster.computeRate)
    let lookups = Self.lookups(ofStep: configuration, text)
    let traffic = NetworkTraffic(
      sharding, format: configuration.training.gradientExchange, lookups: lookups)
    trafficPerNode = traffic.bytesPerNode
    networkSeconds =
      traffic.bytesPerNode / cluster.networkBandwidth + traffic.messagesPerRank * cluster.networkLatency
    memorySeconds =
      Double(cluster.ranksPerNode) * Self.memoryTraffic(sharding, lookups) / cluster.memoryBandwidth
  }

  /// FLOPs of a step of full sequences.
  private static func flops(ofStep configuration: Configuration, _ text: AssumedText) -> Double {
    ModelCost.trainingPasses * text.forwardPerByte(configuration) * words(ofStep: configuration, text)
      * text.bytesPerWord
  }

  private static func words(ofStep configuration: Configuration, _ text: AssumedText) -> Double {
    Double(configuration.training.sequencesPerStep) * text.sequenceWords(configuration.data)
  }

  /// The most rows of an n-gram table that a step can touch: one for each byte and one where a word opens, or one for each token.
  private static func lookups(ofStep configuration: Configuration, _ text: AssumedText) -> Double {
    let words = words(ofStep: configuration, text)
    return configuration.model.kind == .subword
      ? words * text.bytesPerWord / text.bytesPerToken : words * (text.bytesPerWord + 1)
  }

  /// Bytes a rank moves to sum its node's gradients and to update its slice.
  private static func memoryTraffic(_ sharding: Sharding, _ lookups: Double) -> Double {
    let whole = sharding.tensors.touchedFloats(lookups: lookups) * Double(MemoryLayout<Float>.size)
    let ranksPerNode = Double(sharding.nodes.ranks[0].count)
    let slice = whole / Double(sharding.nodes.nodeOfRank.count)
    // In every round each rank of a node reads its part of all the node's gradients and writes the sum.
    return Double(sharding.tree.rounds) * (whole + whole / ranksPerNode) + 7 * slice
  }
}

/// The traffic between nodes in a step, at most: of n-gram tables, rows travel that the step has touched.
struct NetworkTraffic {
  /// Bytes a node sends.
  var bytesPerNode: Double
  var messagesPerRank: Double

  /// - Parameter lookups: of a step, in each n-gram table.
  init(_ sharding: Sharding, format: GradientExchange, lookups: Double = 0) {
    let nodes = sharding.nodes
    guard nodes.count > 1 else {
      (bytesPerNode, messagesPerRank) = (0, 0)
      return
    }
    let floatBytes = Double(MemoryLayout<Float>.size)
    let others = Double(nodes.count - 1)
    // A node sends its sums of every slice owned on other nodes, and its own slices to every other node.
    let tensors = sharding.tensors
    let rounds = Double(sharding.tree.rounds)
    let elsewhere = tensors.touchedFloats(lookups: lookups / rounds) * others / Double(nodes.count)
    let sums = Double(NodeSums(nodes).subtrees[0].count)
    let gradients = rounds * sums * elsewhere * Double(format.bytes)
    let untouched = Double(tensors.count) - tensors.touchedFloats(lookups: lookups)
    let brought = (Self.broughtFloats(sharding) - untouched) * others / Double(nodes.count)
    bytesPerNode = gradients + brought * floatBytes
    let passes = sharding.slicesParameters ? 2 * rounds : 1
    messagesPerRank = others * Double(sharding.table.partitions.count) * (rounds + passes)
  }

  /// Floats of parameters, or at stage 0 of the sum, that every node receives in a step. Stage 3 fetches each block for the
  /// forward and again for the backward pass, except for the block that the previous pass ended with.
  private static func broughtFloats(_ sharding: Sharding) -> Double {
    let (tensors, rounds) = (sharding.tensors, Double(sharding.tree.rounds))
    guard sharding.slicesParameters, let first = tensors.blocks.first, let last = tensors.blocks.last else {
      return Double(tensors.count)
    }
    let blocks = tensors.blocks.reduce(0) { $0 + $1.count }
    return Double(tensors.front.count + tensors.back.count) + rounds * Double(2 * blocks - last.count)
      - (rounds - 1) * Double(first.count)
  }
}

extension TensorTable {
  /// Floats that a step touches, at most, with so many lookups in each n-gram table.
  fileprivate func touchedFloats(lookups: Double) -> Double {
    tensors.reduce(0) { sum, tensor in
      guard tensor.role == .ngramTable else { return sum + Double(tensor.range.count) }
      return sum + min(Double(tensor.shape[0]), lookups) * Double(tensor.shape[1])
    }
  }
}
