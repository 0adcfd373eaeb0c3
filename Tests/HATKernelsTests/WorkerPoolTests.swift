import Glibc
import HATKernels
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 3, 5])
  func everyPartRunsOnceARound(threads: Int) {
    let pool = WorkerPool(threads: threads)
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: threads)
    counts.initialize(repeating: 0, count: threads)
    defer { counts.deallocate() }
    for round in 1...2000 {
      pool.split(threads, unit: 1, CountParts(counts: counts))
      #expect((0..<threads).allSatisfy { counts[$0] == round })
      // Long enough to park, now and then.
      if round % 500 == 0 { usleep(20_000) }
    }
  }

  @Test(arguments: [1, 2, 3], [0, 1, 63, 64, 65, 200, 1000])
  func partsAreTheWholeRange(threads: Int, count: Int) {
    let pool = WorkerPool(threads: threads)
    let hits = (0..<count).map { _ in Int32(0) }
    let base = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, count))
    base.update(from: hits, count: count)
    defer { base.deallocate() }
    pool.split(count, unit: 64, CountElements(counts: base))
    #expect((0..<count).allSatisfy { base[$0] == 1 })
  }

  /// Products and an update of the weights, one after the other on one pool: the same bits as on one thread.
  @Test(arguments: [1, 2, 3])
  func aModelAndAnOptimizerTakeTurns(threads: Int) {
    let (alone, shared) = (TrainedMatrix(), TrainedMatrix())
    let pool = WorkerPool(threads: threads)
    for _ in 0..<200 {
      alone.forward.perform(0..<alone.outputs, part: 0)
      alone.update.perform(0..<alone.weights, part: 0)
      pool.split(shared.outputs, unit: 64, shared.forward)
      pool.split(shared.weights, unit: 1000, shared.update)
    }
    #expect(shared.y.bits == alone.y.bits)
    #expect(shared.weight.bits == alone.weight.bits)
  }

  @Test func workThatSharesOutWorkOfItsOwnIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let pool = WorkerPool(threads: 2)
      pool.split(2, unit: 1, NestedWork(pool: pool))
    }
  }

  @Test func aPoolThatIsNeverUsedEnds() {
    for _ in 0..<20 { withExtendedLifetime(WorkerPool(threads: 4)) {} }
  }
}

private struct CountParts: PoolWork {
  let counts: UnsafeMutablePointer<Int>

  func perform(_ range: Range<Int>, part: Int) { counts[part] += range.count }
}

private struct CountElements: PoolWork {
  let counts: UnsafeMutablePointer<Int32>

  func perform(_ range: Range<Int>, part: Int) {
    for index in range { counts[index] += 1 }
  }
}

/// One linear layer whose outputs serve as gradients of its weight.
private struct TrainedMatrix {
  let outputs = 200
  let inputs = 40
  let x, weight, y: TestMatrix
  private let moments: TestMatrix

  init() {
    var generator = SeededGenerator(seed: 41)
    x = TestMatrix(random: inputs, inputs, using: &generator)
    weight = TestMatrix(random: outputs, inputs, using: &generator)
    y = TestMatrix(inputs, outputs)
    moments = TestMatrix(2, outputs * inputs)
  }

  var weights: Int { outputs * inputs }
  var forward: Forward { Forward(x: x.view, weight: LinearWeight(weight.constant), y: y.view) }
  var update: Update {
    Update(weight: weight.pointer, gradient: y.pointer, moments: moments.view)
  }

  struct Forward: PoolWork {
    let x: MatrixView
    let weight: LinearWeight
    let y: MatrixView

    func perform(_ range: Range<Int>, part: Int) {
      MatrixProduct.linear(
        x, weight: weight.outputs(range), into: y.columns(range), by: .fusedMultiplyAdds)
    }
  }

  struct Update: PoolWork {
    let weight: FloatPointer
    let gradient: UnsafePointer<Float>
    let moments: MatrixView

    func perform(_ range: Range<Int>, part: Int) {
      let start = range.lowerBound
      AdamW.update(
        parameters: weight + start, gradients: gradient + start, firstMoments: moments.row(0) + start,
        secondMoments: moments.row(1) + start, count: range.count,
        step: AdamW.Step(
          learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, gradientScale: 1,
          biasCorrection1: 0.1, biasCorrection2: 0.05))
    }
  }
}

private struct NestedWork: PoolWork {
  let pool: WorkerPool

  func perform(_ range: Range<Int>, part: Int) {
    if part == 0 { pool.split(2, unit: 1, NoWork()) }
  }
}

private struct NoWork: PoolWork {
  func perform(_ range: Range<Int>, part: Int) {}
}
