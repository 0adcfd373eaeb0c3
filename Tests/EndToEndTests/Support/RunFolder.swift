import Foundation
import Testing

/// What a training run leaves behind.
struct RunFolder {
  let path: String

  /// The fields of a metrics line that are results; the others are timings.
  static let resultFields = [
    "step", "loss", "bits_per_byte", "target_bytes", "gradient_norm", "learning_rate",
  ]

  /// The results of every step, as they stand in the file: doubles are compared digit by digit.
  func results() throws -> [[String: String]] {
    try lines().map { line in
      let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      for field in Self.resultFields {
        #expect(fields[field] != nil, "metrics without \(field): \(line)")
      }
      return Dictionary(
        uniqueKeysWithValues: Self.resultFields.map { ($0, Self.text(of: $0, in: line)) })
    }
  }

  var stepCount: Int { (try? lines().count) ?? 0 }

  private func lines() throws -> [String] {
    let text = try String(contentsOfFile: path + "/metrics.jsonl", encoding: .utf8)
    // A line still being written does not count.
    return text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
      .filter { $0.hasSuffix("}") && $0.contains("\"step\"") && $0.contains("\"loss\"") }
  }

  /// The digits of a number in a line of JSON.
  private static func text(of field: String, in line: String) -> String {
    guard let key = line.range(of: "\"\(field)\"") else { return "" }
    return String(line[key.upperBound...].drop { $0 == ":" || $0 == " " }.prefix { !",} ".contains($0) })
  }

  /// Every weight of the newest checkpoint, or of `step`.
  func exportedWeights(at step: Int? = nil) throws -> Data {
    let file = path + ".safetensors"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let reference = step.map { "\(path)@\($0)" } ?? path
    let output = Program.run(["export", "--checkpoint", reference, "--output", file])
    try #require(output.exitCode == 0, "\(output.description)")
    return try Data(contentsOf: URL(fileURLWithPath: file))
  }

  /// The exported weights without their header, which has the configuration.
  func exportedTensors() throws -> Data {
    let file = try exportedWeights()
    let header = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return file.dropFirst(8 + header)
  }

  /// Finished checkpoints, oldest first.
  func checkpoints() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/checkpoints")
      .filter { !$0.hasSuffix(".partial") }.sorted()
  }
}
