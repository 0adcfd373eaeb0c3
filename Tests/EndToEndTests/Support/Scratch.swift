import Foundation
import TestSupport
import Testing

/// A folder of one test, removed with its owner.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "hat-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }
}

extension Scratch {
  /// Where there are matrix tiles, other work on the machine may decide what is fastest at a start, and so the bits.
  private var products: [String] { ProcessorFlags.contain("amx_bf16") ? ["products: amx"] : [] }

  /// A configuration that trains in a second.
  func configuration(_ changes: [String: String] = [:]) throws -> String {
    var settings = [
      "model": [
        "byte_width: 16", "byte_head_size: 8", "encoder_layers: 1", "decoder_layers: 1", "width: 32",
        "head_size: 8", "layers: 2", "kv_heads: 2",
      ],
      "data": ["sequence_words: 24", "sequence_bytes: 160", "seed: 3"],
      "training": [
        "steps: 12", "sequences_per_step: 8", "micro_batches: 4", "warmup_steps: 3",
        "peak_learning_rate: 0.003",
      ] + products,
      "output": ["checkpoint_every: 4", "keep: 2", "evaluate_every: 0"],
    ]
    if changes["model.kind"] == "subword" {
      settings["model"]!.removeAll { $0.hasPrefix("byte_") || $0.contains("coder_layers") }
    }
    for (path, value) in changes {
      let parts = path.split(separator: ".").map(String.init)
      settings[parts[0], default: []].removeAll { $0.hasPrefix(parts[1] + ":") }
      settings[parts[0], default: []].append("\(parts[1]): \(value)")
    }
    let text = settings.map { "\($0.key):\n" + $0.value.map { "  \($0)\n" }.joined() }.joined()
    return try write(text, to: "configuration-\(UUID().uuidString).yaml")
  }

  /// Documents of made-up prose, as JSON Lines.
  func documents(_ count: Int = 60, seed: UInt64 = 1) throws -> String {
    let vocabulary = [
      "the", "whale", "sea", "größer", "of", "and", "a", "ship", "語", "white", "Ahab", "said",
    ]
    var generator = OracleGenerator(seed: seed)
    let lines = (0..<count).map { document in
      let words = (0..<Int.random(in: 5...80, using: &generator)).map { _ in
        vocabulary.randomElement(using: &generator)!
      }
      return "{\"text\": \"\(document) \(words.joined(separator: " ")).\\n\", \"source\": \"made up\"}"
    }
    return try write(lines.joined(separator: "\n") + "\n", to: "documents-\(UUID().uuidString).jsonl")
  }

  /// A corpus of `documents`, preprocessed.
  func corpus(
    _ name: String = "corpus", documents: String? = nil, rule: String = "whitespace"
  ) throws -> String {
    let input = try documents ?? self.documents()
    let output = Program.run(
      ["preprocess", "--output", file(name), "--holdout", "0.1", "--split", rule, input])
    try #require(output.exitCode == 0, "\(output.description)")
    return file(name)
  }

  /// The folder of a run on `corpus`, with a checkpoint after each step.
  func trainedRun(steps: Int = 1) throws -> String {
    let settings = [
      "training.steps": "\(steps)", "training.warmup_steps": "1", "output.checkpoint_every": "1",
    ]
    let output = Program.run([
      "train", "--config", try configuration(settings), "--data", try corpus(), "--output", file("run"),
    ])
    try #require(output.exitCode == 0, "\(output.description)")
    return file("run")
  }
}
