import HATCore
import HATText
import TestSupport
import Testing

@Suite struct TextGeneratorTests {
  /// Grouped-query attention included.
  private func witness() -> ModelWitness {
    var model = ModelConfiguration()
    (model.byteWidth, model.byteHeadSize, model.width, model.headSize) = (16, 8, 32, 8)
    (model.layers, model.keyValueHeads) = (2, 2)
    return ModelWitness(model, seed: 11)
  }

  private func generator(_ witness: ModelWitness, contextWords: Int = 256) -> TextGenerator {
    TextGenerator(
      witness.configuration, parameters: witness.parameters.base, contextWords: contextWords, maxWordBytes: 64
    )
  }

  @Test func logitsEqualTheFullForwardPass() {
    let witness = witness()
    var random = BatchGenerator(seed: 5)
    let words = random.words(30)
    let expected = witness.predictions(.document(words)).logits

    let generator = generator(witness)
    generator.startDocument()
    var actual: [[Float]] = []
    for word in words {
      generator.startWord()
      actual.append(Array(generator.logitsOfNextByte()))
      for byte in word {
        generator.appendToWord(byte)
        actual.append(Array(generator.logitsOfNextByte()))
      }
      generator.read(word)
    }
    #expect(actual.count == expected.count - 1)
    for (row, wanted) in zip(actual, expected) {
      for (value, wantedValue) in zip(row, wanted) { #expect(abs(value - wantedValue) < 1e-4) }
    }
  }

  @Test(arguments: [0.0, 0.7, 3.0])
  func textIsValidUTF8WithinTheLimit(temperature: Double) throws {
    let witness = witness()
    for seed in UInt64(0)..<8 {
      var sampler = try Sampler(temperature: temperature, topP: 1, seed: seed)
      var text: [UInt8] = []
      // So small a context that it overflows many times.
      _ = generator(witness, contextWords: 3).generate(
        after: [], byteLimit: 300, sampler: &sampler
      ) { scalar in
        #expect(String(validating: scalar, as: UTF8.self)?.unicodeScalars.count == 1)
        text += scalar
      }
      #expect(text.count <= 300)
      #expect(String(validating: text, as: UTF8.self) != nil)
    }
  }

  @Test func theSameSeedWritesTheSame() throws {
    let witness = witness()
    func text(seed: UInt64) throws -> [UInt8] {
      var sampler = try Sampler(temperature: 1, topP: 0.95, seed: seed)
      var text: [UInt8] = []
      _ = generator(witness).generate(after: [Array("ab ".utf8)], byteLimit: 100, sampler: &sampler) {
        text += $0
      }
      return text
    }
    #expect(try text(seed: 1) == text(seed: 1))
    #expect(try text(seed: 1) != text(seed: 2))
  }
}

@Suite struct SamplerTests {
  @Test func temperatureZeroTakesTheLikeliestAllowed() throws {
    var sampler = try Sampler(temperature: 0, topP: 1, seed: 1)
    let logits = (0..<256).map { Float($0) }
    let symbol = logits.withUnsafeBufferPointer { sampler.next($0) { $0 < 100 } }
    #expect(symbol == 99)
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
