import HATServing
import HATStorage
import Synchronization

/// What the server has done, in the text format of Prometheus.
final class WebMetrics: Sendable {
  private struct Request: Hashable {
    let endpoint: String
    let status: Int
  }

  private struct Total {
    var count = 0
    var seconds = 0.0
  }

  private let totals = Mutex<[Request: Total]>([:])

  func count(_ endpoint: String, status: Int, seconds: Double) {
    totals.withLock { totals in
      totals[Request(endpoint: endpoint, status: status), default: Total()].count += 1
      totals[Request(endpoint: endpoint, status: status)]!.seconds += seconds
    }
  }

  func text(_ service: BatchService, _ connections: Connections) -> String {
    let counts = service.counts
    var lines = requests()
    func add(_ name: String, _ type: String, _ help: String, _ value: Int) {
      lines += ["# HELP hat_\(name) \(help)", "# TYPE hat_\(name) \(type)", "hat_\(name) \(value)"]
    }
    add("prompt_tokens_total", "counter", "Tokens of prompts that were continued.", counts.promptTokens)
    add("scored_tokens_total", "counter", "Tokens of prompts that were scored.", counts.scoredTokens)
    add(
      "written_symbols_total", "counter", "Tokens, ends of words and ends of documents written.",
      counts.writtenSymbols)
    add("running_texts", "gauge", "Texts being written.", counts.running)
    add("waiting_texts", "gauge", "Texts that wait to be written or scored.", counts.waiting)
    add("open_texts", "gauge", "Texts of requests that are not answered.", service.open)
    add("slots", "gauge", "Texts that can be written at once.", service.slots)
    add("connections", "gauge", "Connections that are open.", connections.count)
    add(
      "refused_connections_total", "counter", "Connections refused because there were too many.",
      connections.refused)
    return lines.joined(separator: "\n") + "\n"
  }

  private func requests() -> [String] {
    let totals = totals.withLock { $0 }.sorted {
      ($0.key.endpoint, $0.key.status) < ($1.key.endpoint, $1.key.status)
    }
    var lines = [
      "# HELP hat_request_seconds Requests that were answered, and how long they took.",
      "# TYPE hat_request_seconds summary",
    ]
    for (request, total) in totals {
      let labels = "{path=\"\(request.endpoint)\",status=\"\(request.status)\"}"
      lines += [
        "hat_request_seconds_count\(labels) \(total.count)",
        "hat_request_seconds_sum\(labels) \(total.seconds)",
      ]
    }
    return lines
  }
}
