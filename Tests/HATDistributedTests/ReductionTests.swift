import DistributedTestSupport
import HATKernels
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

@Suite struct ReductionTests {
  /// One float, part of a block, exactly a block, a few blocks and a bit, fewer and more blocks than ranks.
  static let counts = [1, 4095, 4096, 4097, 5 * 4096 + 17, 20 * 4096]

  /// Units as a model has them: a front, blocks behind each other, a back; some of them empty.
  private static func table(of count: Int) -> TensorTable {
    let (start, end) = (count / 5, count - count / 4)
    let middle = start + (end - start) / 3
    let units: [(ModelUnit, Range<Int>)] = [
      (.front, 0..<start), (.block(0), start..<middle), (.block(1), middle..<end), (.back, end..<count),
    ]
    return TensorTable(
      units.map { unit, range in
        Tensor(
          name: "\(unit)", shape: [range.count], role: .hiddenMatrix, unit: unit, initialValues: .ones,
          start: range.lowerBound)
      })
  }

  @Test(arguments: [false, true]) func slicesTileTheBufferInWholeBlocks(byUnit: Bool) {
    for count in [0] + Self.counts {
      for ranks in 1...9 {
        let units = Self.table(of: count).units
        let table = SliceTable(units: units, ranks: ranks, byUnit: byUnit)
        let slices = (0..<ranks).flatMap(table.slices(ofRank:)).sorted { $0.lowerBound < $1.lowerBound }
        #expect(slices.reduce(0) { $1.lowerBound == $0 ? $1.upperBound : -1 } == count)
        let starts = Set(table.blocks.map(\.lowerBound))
        #expect(slices.allSatisfy { starts.contains($0.lowerBound) })
        #expect(units.allSatisfy { $0.isEmpty || starts.contains($0.lowerBound) })
        let owned = (0..<ranks).map(table.ownedBlocks(ofRank:))
        #expect(owned.joined().sorted() == Array(table.blocks.indices))
        for rank in 0..<ranks {
          #expect(
            owned[rank].reduce(0) { $0 + table.blocks[$1].count } == table.count(ofRank: rank))
        }
        let shares = owned.map(\.count)
        #expect(shares.max()! - shares.min()! <= (byUnit ? units.count : 1))
      }
    }
  }

  /// Runs of blocks, from cut to cut: each rank's ends at the cut nearest to its even share of the cost.
  private func plainShares(_ units: [Range<Int>], _ wholes: [WholeRange], ranks: Int) -> [Range<Int>] {
    var cuts = [(float: 0, cost: 0.0)]
    func cut(at float: Int, _ cost: Double) { cuts.append((float, cuts.last!.cost + cost)) }
    for unit in units {
      var place = unit.lowerBound
      while place < unit.upperBound {
        if let whole = wholes.first(where: { $0.floats.lowerBound == place }) {
          place = whole.floats.upperBound
          cut(at: place, whole.cost)
        } else {
          let next = wholes.first { $0.floats.lowerBound > place && unit.overlaps($0.floats) }
          place = min(place + FloatBlocks.length, next?.floats.lowerBound ?? unit.upperBound)
          cut(at: place, Double(FloatBlocks.length))
        }
      }
    }
    let ends = (0...ranks).map { rank in
      let even = cuts.last!.cost * Double(rank) / Double(ranks)
      return cuts.min { abs($0.cost - even) < abs($1.cost - even) }!.float
    }
    return zip(ends, ends.dropFirst()).map { $0..<$1 }
  }

  @Test func sharesAreAsEvenAsCutsAllow() {
    let units = [0..<10_000, 10_000..<70_000, 70_000..<70_100]
    let wholes = [
      WholeRange(floats: 2_000..<9_000, cost: 50_000), WholeRange(floats: 10_000..<30_000, cost: 21_000.5),
      WholeRange(floats: 60_000..<70_000, cost: 12_345),
    ]
    for wholes in [[], wholes] {
      for ranks in 1...40 {
        let table = SliceTable(units: units, wholes: wholes, ranks: ranks, byUnit: false)
        #expect(table.partitions.map(\.ranges) == [plainShares(units, wholes, ranks: ranks)])
      }
    }
  }

  /// Far more blocks than fit into memory.
  @Test func hugeTablesAreCutAtOnce() {
    let units = [0..<1 << 45, 1 << 45..<1 << 50]
    for byUnit in [false, true] {
      let table = SliceTable(units: units, ranks: 4, byUnit: byUnit)
      let quarter: Int = 1 << 48
      for rank in 0..<4 { #expect(table.count(ofRank: rank) == quarter) }
      #expect(table.blocks.count == 1 << 38)
      #expect(table.blocks[1 << 37] == 1 << 49..<1 << 49 + 4096)
    }
  }

  @Test(arguments: [[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [0, 1, 0, 1, 2, 0], [2, 1, 0]])
  func everyOwnerHasOneRepresentativeOnEachNode(labels: [Int]) {
    let nodes = NodeMap(labels: labels)
    for rank in labels.indices {
      let place = nodes.neighbours(ofRank: rank).firstIndex(of: rank)
      #expect(nodes.place(ofRank: rank) == place)
      let owners = labels.indices.filter {
        nodes.representative(ofRank: $0, onNode: nodes.nodeOfRank[rank]) == rank
      }
      #expect(nodes.represented(byRank: rank) == owners)
    }
  }

  /// The sum a single process would compute, straight from the definition of the tree: a perfect binary tree over
  /// each run of 2^a, the runs halved above.
  private func definition(_ leaves: Range<Int>, unit: Int, count: Int, seed: UInt64) -> [Float] {
    if leaves.count == 1 { return Self.gradient(ofMicroBatch: leaves.lowerBound, count: count, seed: seed) }
    let runs = leaves.count / unit
    let middle = leaves.lowerBound + (runs > 1 ? runs / 2 * unit : leaves.count / 2)
    let first = definition(leaves.lowerBound..<middle, unit: unit, count: count, seed: seed)
    let second = definition(middle..<leaves.upperBound, unit: unit, count: count, seed: seed)
    return zip(first, second).map { $0 + $1 }
  }

  private static func gradient(ofMicroBatch index: Int, count: Int, seed: UInt64) -> [Float] {
    var generator = ToyGenerator(seed: seed &* 1000 &+ UInt64(index))
    return (0..<count).map { _ in generator.float() }
  }

  private struct Layout: CustomStringConvertible {
    var microBatches: Int
    var nodes: NodeMap
    var stage = 1
    var format = GradientExchange.float32
    var limit = 1 << 20

    var description: String { "\(microBatches) over \(nodes.nodeOfRank), stage \(stage), limit \(limit)" }
  }

  /// Every rank's slices of the reduced gradient, put together, and the norm each computed.
  private func reduced(_ layout: Layout, count: Int, seed: UInt64) throws -> (
    gradient: [Float], norms: [Double]
  ) {
    let parts = try ThreadCommunicator.run(on: layout.nodes) { communicator -> ([(Int, Float)], Double) in
      let table = Self.table(of: count)
      let sharding = try Sharding(
        stage: layout.stage, nodes: layout.nodes, table, TrainingConfiguration().optimizerRule,
        microBatches: layout.microBatches)
      let clock = PhaseClock()
      let parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
      let gradients = try GradientStore(
        communicator: communicator, sharding: sharding, format: layout.format, clock: clock,
        limit: layout.limit)
      let owned = sharding.tree.owned(byRank: communicator.rank)
      try gradients.accumulate(with: parameters) { number, memory in
        let gradient = Self.gradient(ofMicroBatch: owned[number], count: count, seed: seed)
        func fill(_ gradients: Gradients) {
          for (offset, index) in gradients.floats.range.enumerated() {
            gradients.floats.base[offset] = gradient[index]
          }
        }
        fill(memory.frontGradients)
        fill(memory.backGradients)
        for block in table.blocks.indices.reversed() {
          try memory.withGradients(ofBlock: block) { _, gradients in fill(gradients) }
        }
      }
      let norm = try GradientNorm(communicator: communicator, table: sharding.table).norm(
        gradients.sum.floats.base)
      let slices = sharding.table.slices(ofRank: communicator.rank)
      return (slices.flatMap { $0.map { ($0, gradients.sum.floats.base[$0]) } }, norm)
    }
    return (parts.flatMap(\.0).sorted { $0.0 < $1.0 }.map(\.1), parts.map(\.1))
  }

  @Test(arguments: counts) func powersOfTwoSumBitForBitAlike(count: Int) throws {
    for (microBatches, rankCounts) in [(8, [1, 2, 4, 8]), (12, [1, 2, 4]), (6, [1, 2]), (1, [1])] {
      let expected = definition(
        0..<microBatches, unit: microBatches & -microBatches, count: count, seed: 7)
      let norm = try reduced(
        Layout(microBatches: microBatches, nodes: NodeMap(ranks: 1, nodes: 1)), count: count, seed: 7
      )
      .norms[0]
      for ranks in rankCounts {
        for nodes in 1...min(2, ranks) {
          for stage in Sharding.stages {
            for limit in [1, 1 << 20] {
              let layout = Layout(
                microBatches: microBatches, nodes: NodeMap(ranks: ranks, nodes: nodes), stage: stage,
                limit: limit)
              let (gradient, norms) = try reduced(layout, count: count, seed: 7)
              #expect(gradient.map(\.bitPattern) == expected.map(\.bitPattern), "\(layout)")
              #expect(norms.allSatisfy { $0 == norm }, "\(layout)")
            }
          }
        }
      }
    }
  }

  /// However the ranks lie on the nodes: dealt out in turn, unevenly, all but one together.
  @Test(arguments: [
    [0, 1, 0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 2, 3, 4, 5, 6, 7],
    [0, 0, 1, 1, 2, 2, 0, 1], [1, 0, 0, 2, 0, 2, 2, 1],
  ])
  func placesOfRanksChangeNothing(labels: [Int]) throws {
    let count = 5 * 4096 + 17
    let expected = definition(0..<16, unit: 16, count: count, seed: 4)
    for stage in Sharding.stages {
      let layout = Layout(microBatches: 16, nodes: NodeMap(labels: labels), stage: stage, limit: 3000)
      let (gradient, _) = try reduced(layout, count: count, seed: 4)
      #expect(gradient.map(\.bitPattern) == expected.map(\.bitPattern), "\(layout)")
    }
  }

  @Test func everyRankCountSumsAlikeToRounding() throws {
    let (microBatches, count) = (60, 4097)
    let expected = definition(0..<microBatches, unit: 4, count: count, seed: 3)
    for ranks in [3, 5, 6, 10] {
      for nodes in 1...3 {
        for stage in [1, 3] {
          let layout = Layout(
            microBatches: microBatches, nodes: NodeMap(ranks: ranks, nodes: nodes), stage: stage)
          let (gradient, _) = try reduced(layout, count: count, seed: 3)
          let largest = zip(gradient, expected).map { abs($0 - $1) }.max()!
          #expect(gradient.count == count && largest < 1e-4, "\(layout): \(largest)")
        }
      }
    }
  }

  /// Between nodes alone, and to the nearest: no sum is off by more than half a unit of its parts' eighth bit.
  @Test func bf16RoundsWhatTravels() throws {
    let count = 4097
    let expected = definition(0..<4, unit: 4, count: count, seed: 6)
    let oneNode = Layout(microBatches: 4, nodes: NodeMap(ranks: 4, nodes: 1), format: .bf16)
    #expect(try reduced(oneNode, count: count, seed: 6).gradient == expected)
    let twoNodes = Layout(microBatches: 4, nodes: NodeMap(ranks: 4, nodes: 2), format: .bf16)
    let gradient = try reduced(twoNodes, count: count, seed: 6).gradient
    #expect(gradient != expected)
    // The sum of two micro-batches, below 2, is sent.
    #expect(zip(gradient, expected).allSatisfy { abs($0 - $1) <= 0x1p-8 + 1e-6 })
  }

  @Test func theNormIsTheNorm() throws {
    let (gradient, norms) = try reduced(
      Layout(microBatches: 4, nodes: NodeMap(ranks: 2, nodes: 1)), count: 10_000, seed: 5)
    let expected = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(norms[0] - expected) < 1e-9 * expected)
  }

  @Test func rankCountsThatDoNotDivideAreRefusedWithThoseThatDo() {
    let error = #expect(throws: (any Error).self) { _ = try MicroBatchTree(microBatches: 12, ranks: 5) }
    #expect("\(error!)".contains("1, 2, 3, 4, 6, 12"))
  }

  @Test func everyMicroBatchHasOneOwner() throws {
    for microBatches in 1...24 {
      for ranks in 1...microBatches where microBatches % ranks == 0 {
        for keepsSums in [true, false] {
          let tree = try MicroBatchTree(microBatches: microBatches, ranks: ranks, keepsSums: keepsSums)
          let owned = (0..<ranks).map(tree.owned(byRank:))
          #expect(owned.joined().sorted() == Array(0..<microBatches))
          #expect(owned.allSatisfy { $0.count == microBatches / ranks && $0 == $0.sorted() })
          for microBatch in 0..<microBatches {
            let slot = tree.slot(ofMicroBatch: microBatch)
            #expect(owned[slot / (microBatches / ranks)][slot % (microBatches / ranks)] == microBatch)
          }
        }
      }
    }
  }
}
