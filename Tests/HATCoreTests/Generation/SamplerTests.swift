import Foundation
import HATCore
import Testing

@Suite struct SamplerTests {
  @Test func temperatureZeroTakesTheLikeliestAllowed() throws {
    var sampler = try Sampler(temperature: 0, topP: 1, seed: 1)
    let logits = (0..<256).map { Float($0) }
    let symbol = logits.withUnsafeBufferPointer { sampler.next($0) { $0 < 100 } }
    #expect(symbol == 99)
  }

  @Test func temperatureZeroTakesTheFirstOfEquals() throws {
    var sampler = try Sampler(temperature: 0, topP: 1, seed: 1)
    let logits = [Float](repeating: 1, count: 300)
    #expect(logits.withUnsafeBufferPointer { sampler.next($0) { $0 > 7 } } == 8)
  }

  @Test func drawsFollowTheProbabilities() throws {
    var sampler = try Sampler(temperature: 1, topP: 1, seed: 1)
    var logits = [Float](repeating: 0, count: 256)
    logits[1] = 1
    var ones = 0
    logits.withUnsafeBufferPointer { logits in
      for _ in 0..<20_000 where sampler.next(logits, allows: { $0 < 2 }) == 1 { ones += 1 }
    }
    #expect(abs(Double(ones) / 20_000 - 0.7311) < 0.015)
  }

  @Test func topPLeavesTheTailOut() throws {
    var sampler = try Sampler(temperature: 1, topP: 0.7, seed: 1)
    var logits = [Float](repeating: 0, count: 256)
    logits[1] = 1
    logits.withUnsafeBufferPointer { logits in
      for _ in 0..<1_000 { #expect(sampler.next(logits, allows: { $0 < 2 }) == 1) }
    }
  }

  /// Of 5,000 symbols the likeliest 40 hold the half: those, and no others, are drawn.
  @Test func theNucleusOfManySymbolsIsExact() throws {
    var sampler = try Sampler(temperature: 1, topP: 0.5, seed: 1)
    let logits = (0..<5_000).map { $0 % 125 == 3 ? Float(log(124.0)) + 0.01 : 0 }
    var drawn: Set<Int> = []
    logits.withUnsafeBufferPointer { logits in
      for _ in 0..<2_000 { drawn.insert(sampler.next(logits) { _ in true }) }
    }
    #expect(drawn == Set(stride(from: 3, to: 5_000, by: 125)))
  }

  @Test func allSymbolsAlikeAreDrawnAlike() throws {
    for topP in [0.0001, 0.3, 1] {
      var sampler = try Sampler(temperature: 2, topP: topP, seed: 1)
      let logits = [Float](repeating: -3, count: 100)
      var drawn: Set<Int> = []
      logits.withUnsafeBufferPointer { logits in
        for _ in 0..<3_000 { drawn.insert(sampler.next(logits) { _ in true }) }
      }
      #expect(drawn.count == max(1, Int(100 * topP)))
    }
  }

  @Test func documentsOfOneSeedAreDrawnApart() throws {
    let logits = [Float](repeating: 0, count: 64)
    func draws(_ document: Int) throws -> [Int] {
      var sampler = try Sampler(temperature: 1, topP: 1, seed: 3, document: document)
      return (0..<20).map { _ in logits.withUnsafeBufferPointer { sampler.next($0) { _ in true } } }
    }
    #expect(try draws(1) == draws(1) && draws(1) != draws(2))
  }
}
