import DistributedTestSupport
import HATKernels
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

/// Gradients with n-gram tables, of which each step touches a few rows: sums and shared parameters against those of whole
/// tables, over steps that touch different rows.
@Suite struct TableReductionTests {
  private static let steps = 3
  private static let microBatches = 12
  private static let touchedRows = 5

  private static let table: TensorTable = {
    var end = 0
    let tensors: [(String, [Int], TensorRole, ModelUnit)] = [
      ("gain", [7], .gain, .front), ("t", [1300, 5], .ngramTable, .front),
      ("b", [3, 4], .hiddenMatrix, .front),
      ("block", [9, 50], .hiddenMatrix, .block(0)), ("u", [2000, 3], .ngramTable, .back),
      ("v", [640, 3], .ngramTable, .back), ("head", [20, 3], .head, .back),
    ]
    return TensorTable(
      tensors.map { name, shape, role, unit in
        let tensor = Tensor(
          name: name, shape: shape, role: role, unit: unit, initialValues: .zeros, start: end)
        end = tensor.range.upperBound
        return tensor
      })
  }()

  /// The gradient of one micro-batch: all of it, but of tables a few rows.
  private static func gradient(step: Int, microBatch: Int) -> (values: [Float], rows: [String: Set<Int>]) {
    var generator = OracleGenerator(seed: UInt64(100 * step + microBatch))
    var (values, touched) = ([Float](repeating: 0, count: table.count), [String: Set<Int>]())
    for tensor in table.tensors {
      guard tensor.role == .ngramTable else {
        for index in tensor.range { values[index] = Float.random(in: -1...1, using: &generator) }
        continue
      }
      let columns = tensor.shape[1]
      for _ in 0..<touchedRows {
        let row = Int.random(in: 0..<tensor.shape[0], using: &generator)
        touched[tensor.name, default: []].insert(row)
        for column in 0..<columns {
          values[tensor.range.lowerBound + row * columns + column] = Float.random(
            in: -1...1, using: &generator)
        }
      }
    }
    return (values, touched)
  }

  /// The sums over all micro-batches of each step, in the order of the tree, of whole tables.
  private static func expectedSums() -> [[Float]] {
    (0..<steps).map { step in
      func sum(_ leaves: Range<Int>) -> [Float] {
        if leaves.count == 1 { return gradient(step: step, microBatch: leaves.lowerBound).values }
        let unit = microBatches & -microBatches
        let runs = leaves.count / unit
        let middle = leaves.lowerBound + (runs > 1 ? runs / 2 * unit : leaves.count / 2)
        return zip(sum(leaves.lowerBound..<middle), sum(middle..<leaves.upperBound)).map { $0 + $1 }
      }
      return sum(0..<microBatches)
    }
  }

  /// What a rank has after each step: its slices of the sum, and all parameters, after those it updates were lessened by their
  /// gradient.
  private struct Outcome {
    var sums: [[Int: Float]] = []
    var parameters: [[Float]] = []
  }

  private static func outcome(
    on communicator: any Communicator, stage: Int, limit: Int
  ) throws -> Outcome {
    let sharding = try Sharding(
      stage: stage, nodes: communicator.nodes, table, TrainingConfiguration().optimizerRule,
      microBatches: microBatches)
    let clock = PhaseClock()
    let parameters = try ParameterStore(
      communicator: communicator, sharding: sharding, clock: clock, limit: limit)
    let gradients = try GradientStore(
      communicator: communicator, sharding: sharding, format: .float32, clock: clock, limit: limit)
    let owned = sharding.tree.owned(byRank: communicator.rank)
    for range in sharding.updatedRanges(ofRank: communicator.rank) {
      (parameters.own.base + range.lowerBound).update(repeating: 0, count: range.count)
    }
    try parameters.share()
    var outcome = Outcome()
    for step in 0..<steps {
      try gradients.accumulate(with: parameters) { number, memory in
        let (values, rows) = gradient(step: step, microBatch: owned[number])
        memory.frontGradients.fillZero()
        memory.backGradients.fillZero()
        write(values, rows, to: memory.frontGradients)
        write(values, rows, to: memory.backGradients)
        for block in table.blocks.indices.reversed() {
          try memory.withGradients(ofBlock: block) { _, gradients in write(values, rows, to: gradients) }
        }
      }
      let slices = sharding.table.slices(ofRank: communicator.rank)
      let sum = gradients.sum.floats.base
      outcome.sums.append(
        Dictionary(uniqueKeysWithValues: slices.flatMap { $0.map { ($0, sum[$0]) } }))
      let optimizerRanges = sharding.updatedRanges(ofRank: communicator.rank)
      let marks = gradients.sum.marks!
      for range in optimizerRanges {
        let touched = TouchedFloats(of: range, marks)
        touched.forEachRun(in: 0..<touched.count) { floats, _ in
          for index in floats { parameters.own.base[index] -= sum[index] }
        }
      }
      try parameters.share(changed: marks)
      outcome.parameters.append(try values(of: parameters, sharding))
    }
    return outcome
  }

  private static func write(_ values: [Float], _ rows: [String: Set<Int>], to gradients: Gradients) {
    let range = gradients.floats.range
    for tensor in table.tensors where range.contains(tensor.range.lowerBound) {
      guard tensor.role == .ngramTable else {
        for index in tensor.range { gradients.floats.base[index - range.lowerBound] = values[index] }
        continue
      }
      let columns = tensor.shape[1]
      let place = MatrixPlace(start: tensor.range.lowerBound, rows: tensor.shape[0], columns: columns)
      for row in rows[tensor.name]! {
        gradients.marks!.words(of: place)[row / 64] |= 1 << UInt64(row % 64)
        for column in 0..<columns {
          let index = place.start + row * columns + column
          gradients.floats.base[index - range.lowerBound] = values[index]
        }
      }
    }
  }

  private static func values(of parameters: ParameterStore, _ sharding: Sharding) throws -> [Float] {
    func floats(_ weights: Weights) -> [Float] {
      Array(UnsafeBufferPointer(start: weights.base, count: weights.range.count))
    }
    var blocks: [Float] = []
    for block in table.blocks.indices { try parameters.withWeights(ofBlock: block) { blocks += floats($0) } }
    return floats(parameters.front) + blocks + floats(parameters.back)
  }

  @Test(arguments: [[0, 0], [0, 1], [0, 1, 0, 1], [0, 0, 0, 1], [0, 1, 2, 3]], Sharding.stages)
  func sumsAndParametersAreThoseOfWholeTables(nodes: [Int], stage: Int) throws {
    let expected = Self.expectedSums()
    for limit in [1, 1 << 20] {
      let outcomes = try ThreadCommunicator.run(on: NodeMap(labels: nodes)) {
        try Self.outcome(on: $0, stage: stage, limit: limit)
      }
      var parameters = [Float](repeating: 0, count: Self.table.count)
      for step in 0..<Self.steps {
        let sums = outcomes.reduce(into: [:]) { $0.merge($1.sums[step]) { first, _ in first } }
        #expect(sums.count == Self.table.count)
        let isSum = expected[step].indices.allSatisfy { sums[$0] == expected[step][$0] }
        #expect(isSum, "step \(step), \(nodes), stage \(stage), limit \(limit)")
        for index in parameters.indices { parameters[index] -= expected[step][index] }
        for (rank, outcome) in outcomes.enumerated() {
          let isShared = outcome.parameters[step] == parameters
          #expect(isShared, "rank \(rank), step \(step), \(nodes), stage \(stage), limit \(limit)")
        }
      }
    }
  }

  @Test(arguments: Sharding.stages) func onlyTouchedRowsTravel(stage: Int) throws {
    let sent = try ThreadCommunicator.run(size: 2, nodes: 2) { communicator in
      let counting = CountingCommunicator(communicator)
      _ = try Self.outcome(on: counting, stage: stage, limit: 1 << 20)
      return counting.sentBytes
    }
    let tables = Self.table.tensors.filter { $0.role == .ngramTable }.reduce(0) { $0 + $1.range.count }
    // All parameters are shared once. A step that sent whole tables would send them at least twice.
    let most = Self.table.count + Self.steps * tables
    #expect(sent.reduce(0, +) <= most * MemoryLayout<Float>.size)
  }
}
