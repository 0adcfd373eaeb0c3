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
