import HATCore
import HATStorage
import HATText
import TestSupport
import Testing

@Suite struct TextGeneratorTests {
  private let witness = ModelWitness(.generationSample, seed: 11)

  /// What documents write behind their prompts, `batch` at once.
  private func texts(
    _ prompts: [[UInt8]], batch: Int, contextWords: Int = 256, temperature: Double = 1, limit: Int = 60,
    cached: Bool = true
  ) throws -> [[UInt8]] {
    let predictor = HierarchicalPredictor(
      witness.configuration, witness.weights, splitter: try WordSplitter(.whitespace),
      documents: batch, contextWords: contextWords, embeddings: cached ? 30 : 0)
    let generator = TextGenerator(cached ? predictor : RereadingPredictor(predictor))
    var texts = prompts.map { _ in [UInt8]() }
    for start in stride(from: 0, to: prompts.count, by: batch) {
      let range = start..<min(start + batch, prompts.count)
      var samplers = try range.map {
        try Sampler(temperature: temperature, topP: 0.95, seed: 1, document: $0)
      }
      generator.read(Array(prompts[range]))
      _ = try generator.write(byteLimit: limit, samplers: &samplers) { document, text in
        #expect(String(validating: text, as: UTF8.self) != nil)
        texts[start + document] += text
      }
    }
    return texts
  }

  private func prompts(_ count: Int) -> [[UInt8]] {
    var random = BatchGenerator(seed: 5)
    return (0..<count).map { Array(random.words($0 % 9).joined()) }
  }

  @Test(arguments: [0.0, 1.0], [3, 256])
  func manyDocumentsWriteWhatEachWritesAlone(temperature: Double, contextWords: Int) throws {
    let prompts = prompts(16)
    let alone = try texts(prompts, batch: 1, contextWords: contextWords, temperature: temperature)
    #expect(Set(alone).count > 8, "documents differ")
    for batch in [2, 5, 16] {
      let together = try texts(prompts, batch: batch, contextWords: contextWords, temperature: temperature)
      #expect(together == alone, "\(batch) at once")
    }
  }

  @Test(arguments: [0.0, 1.0], [3, 256])
  func withoutCachesTheSameIsWritten(temperature: Double, contextWords: Int) throws {
    let prompts = prompts(3)
    let cached = try texts(prompts, batch: 3, contextWords: contextWords, temperature: temperature)
    let uncached = try texts(
      prompts, batch: 3, contextWords: contextWords, temperature: temperature, cached: false)
    #expect(cached == uncached)
  }

  @Test(arguments: [0.0, 0.7, 3.0])
  func textIsValidUTF8WithinTheLimit(temperature: Double) throws {
    // So small a context that it overflows many times.
    for text in try texts(prompts(8), batch: 4, contextWords: 3, temperature: temperature, limit: 300) {
      #expect(text.count <= 300)
      #expect(String(validating: text, as: UTF8.self) != nil)
    }
  }

  /// 1e30 is finite, and what follows from two of them is not.
  @Test(arguments: [Float.nan, 1e30], [0.0, 1]) func predictionsThatAreNotFiniteAreAnError(
    weight: Float, temperature: Double
  ) throws {
    let witness = ModelWitness(ModelConfiguration.tinySamples[0], seed: 11)
    witness.fill(["decoder.norm.weight", "decoder.head.weight"], with: weight)
    let generator = TextGenerator(
      HierarchicalPredictor(
        witness.configuration, witness.weights, splitter: try WordSplitter(.whitespace), contextWords: 64))
    var samplers = [try Sampler(temperature: temperature, topP: 0.95, seed: 1)]
    generator.read([Array("The whale".utf8)])
    let error = #expect(throws: UserError.self) {
      try generator.write(byteLimit: 10, samplers: &samplers) { _, _ in }
    }
    #expect(error?.kind == .invalidData)
  }

  @Test func aDocumentThatMayNotEndIsAsLongAsAskedFor() throws {
    let predictor = HierarchicalPredictor(
      witness.configuration, witness.weights, splitter: try WordSplitter(.whitespace),
      documents: 4, contextWords: 64)
    let generator = TextGenerator(predictor)
    var samplers = try (0..<4).map { try Sampler(temperature: 3, topP: 1, seed: 2, document: $0) }
    var counts = [0, 0, 0, 0]
    generator.read(prompts(4))
    let ends = try generator.write(byteLimit: 500, samplers: &samplers, mayEnd: false) {
      counts[$0] += $1.count
    }
    #expect(counts == [500, 500, 500, 500])
    #expect(ends == [.limit, .limit, .limit, .limit])
  }
}

@Suite struct UTF8PrefixTests {
  @Test func allowsExactlyTheBytesOfValidScalars() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      if value > 0x900 && value % 61 != 0 && value < 0xD700 || value > 0x11000 && value % 1021 != 0 {
        continue
      }
      var prefix = UTF8Prefix()
      for byte in String(scalar).utf8 {
        #expect(prefix.allows(byte))
        prefix.append(byte)
      }
      #expect(prefix.isAtBoundary)
    }
    for invalid: [UInt8] in [
      [0xC0], [0xC1], [0xF5], [0xFF], [0x80], [0xED, 0xA0], [0xE0, 0x9F], [0xF4, 0x90],
    ] {
      var prefix = UTF8Prefix()
      for byte in invalid.dropLast() { prefix.append(byte) }
      #expect(!prefix.allows(invalid.last!))
    }
  }
}
