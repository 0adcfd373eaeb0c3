import Foundation
import HAT
import HATCore
import HATDistributed
import HATStorage
import HATTerminal

/// Measures a model that reads prompts and writes, at one batch size.
struct GenerationRun {
  /// Most bytes written again without caches: each costs as much as all text before it.
  private static let uncachedBytes = 64
  /// Bytes of each document of the batch that is not measured.
  private static let warmUpBytes = 32

  private let reference: String
  private let loaded: LoadedModel
  private let batch: Int
  private let task: WritingTask
  private let threads: Int
  private let prompts: [[UInt8]]
  private let warmUp: [UInt8]

  /// - Throws: `UserError` for what is not there, or is not what it should be.
  init(_ reference: String, batch: Int, task: WritingTask, corpora: [String]) throws {
    (self.reference, self.batch, self.task) = (reference, batch, task)
    threads = try ThreadChoice(wanted: task.threads, on: SoloCommunicator()).threads
    loaded = try LoadedModel(reference, threads: threads, precision: task.products.precision) {
      Terminal.warning($0)
    }
    let passages = try HeldOutPassages(
      corpora, count: task.documents + 1, bytes: task.promptBytes, seed: task.seed
    ).texts
    (prompts, warmUp) = (Array(passages.dropLast()), passages.last!)
  }

  func measure() throws -> GenerationMeasurement {
    let predictor = loaded.makePredictor(documents: batch)
    let generator = TextGenerator(predictor)
    var samplers = try task.samplers(of: 0..<batch)
    generator.read(Array(repeating: warmUp, count: batch))
    _ = try generator.write(byteLimit: Self.warmUpBytes, samplers: &samplers, mayEnd: false) { _, _ in }

    var (prompt, decode) = (PhaseMeter(predictor), PhaseMeter(predictor))
    var texts = prompts.map { _ in [UInt8]() }
    for start in stride(from: 0, to: prompts.count, by: batch) {
      let range = start..<min(start + batch, prompts.count)
      prompt.measure { generator.read(Array(prompts[range])) }
      samplers = try task.samplers(of: range)
      try decode.measure {
        _ = try generator.write(byteLimit: task.bytes, samplers: &samplers, mayEnd: false) { document, text in
          texts[start + document] += text
        }
      }
    }
    let peak = try ResidentMemory.peak()
    let uncached = try writeUncached()
    return GenerationMeasurement(
      checkpoint: reference, batch: batch, threads: threads, documents: prompts.count,
      prompt: prompt.phase(bytes: prompts.reduce(0) { $0 + $1.count }),
      decode: decode.phase(bytes: texts.reduce(0) { $0 + $1.count }),
      peakResidentBytes: peak, uncachedBytesPerSecond: uncached.bytesPerSecond,
      uncachedWritesTheSame: uncached.isSame, textChecksum: Checksum(of: Array(texts.joined(separator: [0]))),
      texts: task.texts
        ? zip(prompts, texts).map { GenerationMeasurement.Document(promptB64: Data($0), textB64: Data($1)) }
        : nil)
  }

  /// Writes the beginning of the first document with caches and without.
  private func writeUncached() throws -> (bytesPerSecond: Double, isSame: Bool) {
    let predictor = RereadingPredictor(loaded.makePredictor(documents: 1, embeddings: 0))
    var meter = PhaseMeter(predictor)
    let uncached = try meter.measure { try writeBeginning(predictor) }
    let cached = try writeBeginning(loaded.makePredictor(documents: 1))
    return (Double(uncached.count) / meter.seconds, uncached == cached)
  }

  private func writeBeginning(_ predictor: any SymbolPredictor) throws -> [UInt8] {
    let generator = TextGenerator(predictor)
    var samplers = try task.samplers(of: 0..<1)
    var text: [UInt8] = []
    generator.read([prompts[0]])
    _ = try generator.write(
      byteLimit: min(task.bytes, Self.uncachedBytes), samplers: &samplers, mayEnd: false
    ) { text += $1 }
    return text
  }
}

/// Adds up the time and work of what is measured.
private struct PhaseMeter {
  private let predictor: any SymbolPredictor
  private(set) var seconds = 0.0
  private var flops = 0.0
  private var embeddings = EmbeddingUsage()

  init(_ predictor: any SymbolPredictor) {
    self.predictor = predictor
  }

  mutating func measure<Result>(_ body: () throws -> Result) rethrows -> Result {
    let (flopsBefore, usageBefore) = (predictor.flops, predictor.embeddingUsage ?? EmbeddingUsage())
    let start = ContinuousClock().now
    let result = try body()
    seconds += (ContinuousClock().now - start) / .seconds(1)
    flops += predictor.flops - flopsBefore
    let usage = predictor.embeddingUsage ?? EmbeddingUsage()
    embeddings.words += usage.words - usageBefore.words
    embeddings.encoded += usage.encoded - usageBefore.encoded
    return result
  }

  func phase(bytes: Int) -> GenerationMeasurement.Phase {
    GenerationMeasurement.Phase(
      bytes: bytes, seconds: seconds, bytesPerSecond: Double(bytes) / seconds,
      flopsPerByte: flops / Double(bytes),
      embeddingHitRate: predictor.embeddingUsage == nil ? nil : embeddings.hitRate)
  }
}
