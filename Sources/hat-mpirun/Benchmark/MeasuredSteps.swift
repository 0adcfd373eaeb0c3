import Foundation

/// The steps of a run, from its metrics.
struct MeasuredSteps {
  private let steps: [[String: Double]]

  init(run: String, skipping warmup: Int) throws {
    let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    steps = try text.split(separator: "\n").dropFirst(warmup).map { line in
      let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      return fields.compactMapValues { $0 as? Double }
    }
  }

  var medianSeconds: Double {
    let seconds = steps.map { $0["step_seconds"]! }.sorted()
    return seconds[seconds.count / 2]
  }

  func mean(_ field: String) -> Double {
    steps.reduce(0) { $0 + ($1[field] ?? 0) } / Double(steps.count)
  }
}
