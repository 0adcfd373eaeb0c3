import Foundation
import HATKernels
import HATText
import SystemPackage
import Testing

@testable import HATCore

/// What Benchmarks/savings asks for.
private enum Request {
  private static let environment = ProcessInfo.processInfo.environment
  static let text = environment["HAT_SAVINGS_TEXT"]
  static let presets = environment["HAT_SAVINGS_PRESETS"]?.split(separator: " ").map(String.init) ?? []
}

/// What each saving gives: no test, measured when asked for.
@Suite("Savings, measured", .enabled(if: Request.text != nil))
struct SavingsMeasurement {
  private static let (sequences, sequenceWords, rounds) = (4, 256, 5)

  @Test("With and without, in turn") func measure() throws {
    print("| preset | saving | module | ms with | ms without | without : with | a step without : with |")
    print("|---|---|---|---|---|---|---|")
    for preset in Request.presets {
      var configuration = try Configuration.load(from: FilePath("configs/\(preset).yaml"), overrides: [])
      configuration.data.sequenceWords = Self.sequenceWords
      try measure(preset, configuration.model)
    }
  }

  private func measure(_ preset: String, _ model: ModelConfiguration) throws {
    let batch = try Self.batch()
    let capacity = BatchCapacity(
      sequences: Self.sequences, sequenceWords: Self.sequenceWords, maxWordBytes: 256)
    let step = stepSeconds(model, capacity, batch)
    for module in [TileRun.Module.encoder, .decoder] {
      let all = Saving.all(of: module)
      let with = TileRun(module, model, capacity: capacity, batch, all)
      for saving in Saving.allCases where all.contains(saving) {
        let without = TileRun(module, model, capacity: capacity, batch, all.subtracting([saving]))
        let (saved, plain) = Self.inTurn(with.run, without.run)
        print(
          "| `\(preset)` | \(saving.rawValue) | \(module.rawValue) | \(Self.fixed(1000 * saved, 2)) "
            + "| \(Self.fixed(1000 * plain, 2)) | \(Self.fixed(plain / saved, 2)) "
            + "| \(Self.fixed((step + plain - saved) / step, 3)) |")
      }
    }
  }
}

extension SavingsMeasurement {
  /// The first words of the text, as documents of a sequence each.
  private static func batch() throws -> Batch {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: Request.text!)))
    let splitter = try WordSplitter(.whitespace)
    var (batch, start) = (Batch(), 0)
    for (index, length) in splitter.split(bytes).prefix(sequences * (sequenceWords - 1)).enumerated() {
      if index % (sequenceWords - 1) == 0 { batch.appendDocumentMark() }
      batch.appendWord(bytes[start..<start + Int(length)])
      start += Int(length)
      if index % (sequenceWords - 1) == sequenceWords - 2 {
        batch.appendDocumentMark()
        batch.endPiece()
      }
    }
    return batch
  }

  private func stepSeconds(_ model: ModelConfiguration, _ capacity: BatchCapacity, _ batch: Batch) -> Double {
    let transformer = HierarchicalTransformer(model, Execution(capacity: capacity))
    let count = transformer.table.count
    let (parameters, gradient) = (FloatBuffer(zeroed: count), FloatBuffer(zeroed: count))
    ParameterInitializer(transformer.table, seed: 5).fill(FlatSlice(parameters))
    let memory = FlatMemory(ModelWeights(transformer.table, in: parameters), gradient: gradient)
    let step = { _ = transformer.lossAndGradient(batch, memory) }
    return Self.inTurn(step, step).0
  }

  /// Medians of the seconds two runs take in turn, after one of each.
  private static func inTurn(_ first: () -> Void, _ second: () -> Void) -> (Double, Double) {
    let clock = ContinuousClock()
    var seconds: ([Double], [Double]) = ([], [])
    for round in 0...rounds {
      let pair = (clock.measure(first) / .seconds(1), clock.measure(second) / .seconds(1))
      if round > 0 {
        seconds.0.append(pair.0)
        seconds.1.append(pair.1)
      }
    }
    return (seconds.0.sorted()[rounds / 2], seconds.1.sorted()[rounds / 2])
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
