import Foundation
import HATStorage
import TestSupport
import Testing

@testable import HATText

@Suite struct PrefetcherTests {
  @Test(arguments: [1, 2, 7]) func valuesComeInOrder(depth: Int) throws {
    let counter = Counter()
    let prefetcher = Prefetcher(depth: depth) { counter.next() }
    for expected in 1...2000 { try #require(try prefetcher.next() == expected) }
  }

  @Test func noMoreThanItsDepthIsMadeAhead() throws {
    let counter = Counter()
    let prefetcher = Prefetcher(depth: 3) { counter.next() }
    for taken in 1...20 {
      _ = try prefetcher.next()
      #expect(eventually { counter.value == taken + 3 })
      usleep(2000)
      #expect(counter.value == taken + 3)
    }
  }

  @Test func anErrorComesWhereTheValueWouldHaveCome() throws {
    let error = UserError(.invalidData, at: "shard, frame 3", "it is broken", hint: "Mend it.")
    let counter = Counter()
    let prefetcher = Prefetcher(depth: 4) {
      let value = counter.next()
      if value == 3 { throw error }
      return value
    }
    #expect(eventually { counter.value == 3 })
    #expect(try prefetcher.next() == 1)
    #expect(try prefetcher.next() == 2)
    for _ in 0..<3 { #expect(throws: error) { try prefetcher.next() } }
    #expect(counter.value == 3)
  }

  @Test func whoWaitsIsWokenByAnError() {
    let error = UserError(.invalidData, at: "shard", "it is broken", hint: "Mend it.")
    let prefetcher = Prefetcher<Int>(depth: 2) {
      usleep(20_000)
      throw error
    }
    #expect(throws: error) { try prefetcher.next() }
  }

  @Test(arguments: [0, 1, 5]) func nothingIsMadeOrHeldWhenItIsGone(taken: Int) throws {
    let counter = Counter()
    var prefetcher: Prefetcher<Int>? = Prefetcher(depth: 2) { counter.next() }
    for _ in 0..<taken { _ = try prefetcher!.next() }
    prefetcher = nil
    let made = counter.value
    usleep(5000)
    #expect(counter.value == made)
  }

  @Test func whatMakesTheValuesIsReleased() {
    weak var maker: Counter?
    do {
      let counter = Counter()
      maker = counter
      let prefetcher = Prefetcher(depth: 2) { [counter] in counter.next() }
      withExtendedLifetime(prefetcher) {}
    }
    #expect(eventually { maker == nil })
  }

  @Test func manyComeAndGo() throws {
    for round in 0..<300 {
      let counter = Counter()
      let prefetcher = Prefetcher(depth: 1 + round % 3) { counter.next() }
      for _ in 0..<round % 5 { _ = try prefetcher.next() }
    }
  }

  /// Read ahead or not: the same sequences come before a damaged frame, and the same error names it.
  @Test func aDamagedFrameIsAnErrorWhereItIsNeeded() throws {
    var generator = TextGenerator(seed: 60)
    let builder = try CorpusBuilder((0..<40).map { _ in generator.prose(words: 8000) })
    defer { withExtendedLifetime(builder) {} }
    let mixture = try Mixture([(builder.corpus(), 1)])
    let shard = builder.output.appending(mixture.parts[0].corpus.manifest.train.shards[0].name).string
    let middle = try #require(FileManager.default.contents(atPath: shard)).count / 2
    try FileDamage.flipBit(3, ofByte: middle, in: shard)

    let alone = try steps(of: mixture)
    let expected = takeAll { try alone.nextStep() }
    let ahead = try steps(of: mixture)
    let prefetcher = Prefetcher(depth: 2) { try ahead.nextStep() }
    let found = takeAll { try prefetcher.next() }
    #expect(expected.count > 1)
    #expect(found == expected)
    #expect(found.error.contains(shard) && found.error.contains("frame"), "\(found.error)")
  }

  private func steps(of mixture: Mixture) throws -> MicroBatchStream {
    let stream = try MixedStream(mixture, seed: 5, sequenceWords: 1000, sequenceBytes: 10_000)
    return MicroBatchStream(stream, microBatches: 2, sequencesPerMicroBatch: 1, owned: 0..<1)
  }

  private struct Taken: Equatable {
    var count = 0
    var error = ""
  }

  private func takeAll(_ next: () throws -> MicroBatchStream.Step) -> Taken {
    var taken = Taken()
    do {
      while taken.count < 10_000 {
        _ = try next()
        taken.count += 1
      }
    } catch {
      taken.error = "\(error)"
    }
    return taken
  }

  private func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<2000 {
      if condition() { return true }
      usleep(1000)
    }
    return condition()
  }
}

/// Counts from 1.
private final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  var value: Int { lock.withLock { count } }

  func next() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }
}
