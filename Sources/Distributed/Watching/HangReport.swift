import Foundation

/// Which rank waits where, from the records of the ranks.
public struct HangReport: Sendable {
  let records: [HangRecord]
  /// The ranks without a record.
  public let missingRanks: [Int]
  public let step: Int

  private static let operationsShown = 16

  /// - Parameter records: in rank order. Without any the report is nil.
  init?(_ records: [HangRecord]) {
    guard let first = records.first else { return nil }
    self.records = records
    step = records.map(\.step).max()!
    missingRanks = Set(0..<first.ranks).subtracting(records.map(\.rank)).sorted()
  }

  /// One or two sentences.
  public var summary: String {
    let slowest = records.max { $0.seconds < $1.seconds }!
    return "The run hung \(Self.place(slowest.activity, step: slowest.step)): nothing for "
      + "\(Self.number(slowest.seconds)) s, where \(Self.number(slowest.allowance)) s are allowed. \(cause)"
  }

  /// The probable reason, from where the ranks are.
  var cause: String {
    if !missingRanks.isEmpty { return "\(Self.names(missingRanks)) did not report: stopped, or cut off." }
    let stopped = records.filter { $0.stoodStill > 0 }.map(\.rank)
    if !stopped.isEmpty { return "\(Self.names(stopped)) stood still: the process was stopped." }
    let working = records.filter { !$0.isWaiting }.map(\.rank)
    if working.count == records.count {
      return records.count > 1 ? "No rank waited for another." : "The process worked, or waited for its disk."
    }
    if !working.isEmpty {
      return
        "\(Self.names(working)) did not wait: the others waited for \(working.count == 1 ? "it" : "them")."
    }
    return "All ranks waited: a connection between them is down\(connection)."
  }

  /// If all wait, what the others sent to the ranks that are behind has not arrived.
  private var connection: String {
    let (fewest, most) = (records.map(\.collectives).min()!, records.map(\.collectives).max()!)
    guard fewest < most else { return "" }
    let behind = records.filter { $0.collectives == fewest }.map(\.rank)
    return ", perhaps that to \(Self.names(behind).lowercased()), which the others are ahead of"
  }

  /// The whole report.
  public var text: String {
    "\(summary)\n\n\(table)\n" + records.map { "\n" + Self.history($0) }.joined()
  }

  private var table: String {
    let header = ["rank", "node", "process", "seconds", "collectives", "where"]
    let rows =
      records.map { record in
        (
          record.rank,
          [
            "\(record.rank)", record.node, "\(record.process)", Self.number(record.seconds),
            "\(record.collectives)", Self.place(record),
          ]
        )
      } + missingRanks.map { ($0, ["\($0)", "-", "-", "-", "-", "no report"]) }
    return Self.columns([header] + rows.sorted { $0.0 < $1.0 }.map(\.1))
  }

  private static func place(_ record: HangRecord) -> String {
    let operations = record.open.map { name($0) }
    return ([String(describing: record.activity)] + operations).joined(separator: ", ")
  }

  private static func place(_ activity: Activity, step: Int) -> String {
    switch activity {
    case .start: "at its start"
    case .step: "in step \(step)"
    case .evaluation, .checkpoint, .sample: "in the \(activity) of step \(step)"
    case .writing: "waiting for the disk after step \(step)"
    case .end: "at its end"
    }
  }

  private static func history(_ record: HangRecord) -> String {
    let rows = record.operations.prefix(operationsShown).map { operation in
      [
        number(operation.secondsAgo), operation.seconds.map { number($0, digits: 6) } ?? "goes on",
        "\(operation.step)", name(operation),
      ]
    }
    return "Rank \(record.rank), newest first:\n"
      + columns([["began s ago", "took s", "step", "operation"]] + rows) + "\n"
  }

  private static func name(_ operation: HangRecord.Operation) -> String {
    operation.bytes > 0 ? "\(operation.kind) of \(operation.bytes) bytes" : "\(operation.kind)"
  }

  private static func names(_ ranks: [Int]) -> String {
    "\(ranks.count == 1 ? "Rank" : "Ranks") \(Machines.list(ranks.map(String.init)))"
  }

  private static func number(_ value: Double, digits: Int = 1) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// Cells aligned to the left.
  private static func columns(_ rows: [[String]]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
      return "  " + cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }.joined(separator: "\n")
  }
}

/// What one rank was doing when its time ran out.
struct HangRecord: Codable, Sendable {
  var rank: Int
  var ranks: Int
  var node: String
  var process: Int32
  var activity: Activity
  var step: Int
  /// Since the activity began.
  var seconds: Double
  /// How long it may take.
  var allowance: Double
  /// Those of them in which the whole process was stopped.
  var stoodStill: Double
  /// Entered so far. Ranks that are in step have entered the same number.
  var collectives: Int
  /// Newest first.
  var operations: [Operation]

  /// One operation of the log.
  struct Operation: Codable, Sendable {
    var kind: RankOperation
    var bytes: Int
    var step: Int
    var secondsAgo: Double
    /// nil while it is under way.
    var seconds: Double?
  }

  /// The operations under way, outermost first.
  var open: [Operation] { operations.filter { $0.seconds == nil }.reversed() }

  /// Whether the rank waits for other ranks.
  var isWaiting: Bool { open.last?.kind.isCollective == true }
}
