import HATCore
import HATStorage

/// Nodes alike, and the network between them.
public struct Cluster: Sendable, Equatable {
  public var nodes: Int
  public var ranksPerNode: Int
  /// Seconds of a message, however short.
  public var networkLatency: Double
  /// Bytes a second into a node, and as many out of it.
  public var networkBandwidth: Double
  /// Bytes a second of a node's memory, all ranks together.
  public var memoryBandwidth: Double
  /// Floating-point operations a second of a rank while it trains.
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

/// What a step would cost on a cluster: computation by the plain count, node memory by the bytes that pass through it,
/// the network by the bytes and messages our exchanges send. Nothing overlaps.
public struct ClusterPrediction: Sendable, Equatable, Encodable {
  public var zeroStage: Int
  public var memoryPerNode: Int
  /// Bytes a node sends in a step; it receives as many.
  public var trafficPerNode: Double
  public var computeSeconds: Double
  /// Sums and updates in the nodes' memory.
  public var memorySeconds: Double
  public var networkSeconds: Double

  public var stepSeconds: Double { computeSeconds + memorySeconds + networkSeconds }
  /// The part of the step that is computation.
  public var efficiency: Double { computeSeconds / stepSeconds }

  /// - Throws: `UserError` of kind `configuration` when the micro-batches do not divide by the ranks.
  public init(
    _ configuration: Configuration, on cluster: Cluster, zeroStage: Int, maxWordBytes: Int,
    text: AssumedText
  ) throws {
    let ranks = cluster.nodes * cluster.ranksPerNode
    let layout = ParameterLayout(configuration.model)
    let nodes = NodeMap(ranks: ranks, nodes: cluster.nodes)
    let sharding = try Sharding(
      stage: zeroStage, nodes: nodes, units: ModelUnits(count: layout.count, blocks: layout.blocks),
      microBatches: configuration.training.microBatches)
    let memory = try RankMemory(
      configuration, ranks: ranks, nodes: cluster.nodes, zeroStage: zeroStage, maxWordBytes: maxWordBytes,
      bytesPerToken: text.bytesPerToken)
    self.zeroStage = zeroStage
    memoryPerNode = memory.total * cluster.ranksPerNode
    computeSeconds = Self.flops(ofStep: configuration, text) / (Double(ranks) * cluster.computeRate)
    let journeys = Journeys(sharding, format: configuration.training.gradientExchange)
    trafficPerNode = journeys.bytesPerNode
    networkSeconds =
      journeys.bytesPerNode / cluster.networkBandwidth + journeys.messagesPerRank * cluster.networkLatency
    memorySeconds =
      Double(cluster.ranksPerNode) * Self.memoryTraffic(sharding) / cluster.memoryBandwidth
  }

  /// Of a step of full sequences.
  private static func flops(ofStep configuration: Configuration, _ text: AssumedText) -> Double {
    let bytes =
      Double(configuration.training.sequencesPerStep) * text.sequenceWords(configuration.data)
      * text.bytesPerWord
    return ModelCost.trainingPasses * text.forwardPerByte(configuration) * bytes
  }

  /// Bytes a rank moves to sum its node's gradients and to update its slice.
  private static func memoryTraffic(_ sharding: Sharding) -> Double {
    let whole = Double(sharding.units.count * MemoryLayout<Float>.size)
    let ranksPerNode = Double(sharding.nodes.ranks[0].count)
    let slice = whole / Double(sharding.nodes.nodeOfRank.count)
    // Of every round each rank of a node reads its part of all the node's gradients, and writes the sum.
    return Double(sharding.tree.rounds) * (whole + whole / ranksPerNode) + 7 * slice
  }
}

/// What travels between nodes in a step.
struct Journeys {
  /// Bytes a node sends.
  var bytesPerNode: Double
  var messagesPerRank: Double

  init(_ sharding: Sharding, format: GradientExchange) {
    let nodes = sharding.nodes
    guard nodes.count > 1 else {
      (bytesPerNode, messagesPerRank) = (0, 0)
      return
    }
    let floatBytes = Double(MemoryLayout<Float>.size)
    let others = Double(nodes.count - 1)
    // A node sends what it has of every slice owned elsewhere, and its slices to every other node.
    let elsewhere = Double(sharding.units.count) * others / Double(nodes.count)
    let rounds = Double(sharding.tree.rounds)
    let sums = Double(NodeSums(nodes).subtrees[0].count)
    let gradients = rounds * sums * elsewhere * Double(format.bytes)
    let brought = Double(Self.broughtFloats(sharding)) * others / Double(nodes.count)
    bytesPerNode = gradients + brought * floatBytes
    let passes = sharding.slicesParameters ? 2 * rounds : 1
    messagesPerRank = others * Double(sharding.table.partitions.count) * (rounds + passes)
  }

  /// Floats of parameters, or at stage 0 of the sum, that come to all nodes in a step. Stage 3 brings each block for the
  /// forward and the backward pass; the block at which a pass turns is there already.
  private static func broughtFloats(_ sharding: Sharding) -> Int {
    let (units, rounds) = (sharding.units, sharding.tree.rounds)
    guard sharding.slicesParameters, let first = units.blocks.first, let last = units.blocks.last else {
      return units.count
    }
    let blocks = units.blocks.reduce(0) { $0 + $1.count }
    return units.front.count + units.back.count + rounds * (2 * blocks - last.count) - (rounds - 1)
      * first.count
  }
}
