import HATRandom
import HATStorage
import Testing

@testable import HATText

@Suite struct DuplicateTests {
  private func documents(_ count: Int) -> [String] {
    var generator = TextGenerator(seed: 70)
    return (0..<count).map { _ in
      // Half of them come again, some many times, near and far.
      let number = Int.random(in: 0..<count, using: &generator)
      return number % 50 == 0
        ? "often" : "document \(number) " + String(repeating: "word ", count: number % 9)
    }
  }

  private func firstOccurrences(_ documents: [String]) -> [String] {
    var seen: Set<String> = []
    return documents.filter { seen.insert($0).inserted }
  }

  @Test(arguments: [1024, 1 << 20]) func theFirstOfEqualDocumentsStays(shardBytes: Int) throws {
    let documents = documents(3000)
    let builder = try CorpusBuilder(documents) {
      ($0.deduplicate, $0.shardBytes) = (.exact, shardBytes)
    }
    let corpus = try builder.corpus()
    let kept = firstOccurrences(documents)
    #expect(try corpus.texts(.train) == kept)
    #expect(corpus.manifest.leftOut.duplicate == documents.count - kept.count)
    #expect(kept.count < documents.count)
  }

  @Test(arguments: [1, 7, 100, 1000]) func severalRoundsFindTheSame(documentsPerRound: Int) throws {
    var generator = TextGenerator(seed: 71)
    let parts = [120, 0, 1, 500, 64].map { count in
      (0..<count).map { _ in
        let number = UInt64.random(in: 0..<400, using: &generator)
        return ContentHash(low: number, high: RandomSource.mix(number))
      }
    }
    let finder = try DuplicateFinder(counts: parts.map(\.count), documentsPerRound: documentsPerRound) {
      parts[$0]
    }
    var seen: Set<ContentHash> = []
    for (part, hashes) in parts.enumerated() {
      let marks = finder.marks.bits(ofPart: part)
      for (index, hash) in hashes.enumerated() {
        try #require((marks[index / 8] >> (index % 8) & 1 == 1) == !seen.insert(hash).inserted)
      }
    }
  }

  @Test func inputThatChangesBetweenThePassesIsRefused() throws {
    let builder = try CorpusBuilder(["one", "two"]) { $0.deduplicate = .exact }
    let preprocessor = try Preprocessor(
      inputs: InputFile.list([builder.input]), settings: builder.settings, output: builder.output
    )
    let sharing = Meddling { if $0 == 3 { try builder.write(["one", "six"]) } }
    #expect(errorText { _ = try preprocessor.run(sharing: sharing) }.contains("changed while it was read"))
  }

  /// Does something between the steps of the work.
  private final class Meddling: WorkSharing {
    let hasStandardInput = true
    private let meddle: (Int) throws -> Void
    private var passes = 0
    init(_ meddle: @escaping (Int) throws -> Void) { self.meddle = meddle }
    func once<Value: Codable>(_ work: () throws -> Value) throws -> Value { try work() }
    func together(_ work: () throws -> Void) throws {
      // Comparing the input, joining, hashing, writing.
      try meddle(passes)
      passes += 1
      try work()
    }
  }
}
