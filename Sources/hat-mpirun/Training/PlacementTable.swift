import HATDistributed

/// What start-up says of where the ranks are.
enum PlacementTable {
  /// More than that many ranks are shown by node.
  private static let mostRanks = 16

  static func text(_ placements: [RankPlacement]) -> String {
    TextTable.lines(
      [["node", "rank", "cores", "threads", "memory"]]
        + (placements.count > mostRanks ? byNode(placements) : placements.map(row))
    ).joined(separator: "\n")
  }

  private static func row(_ placement: RankPlacement) -> [String] {
    [
      placement.node, "\(placement.rank)", placement.cores, "\(placement.threads)",
      Amount.memory(placement.memory),
    ]
  }

  /// Ranks that lie next to each other on one node as one row; its threads and memory are those of all of them.
  private static func byNode(_ placements: [RankPlacement]) -> [[String]] {
    var runs: [[RankPlacement]] = []
    for placement in placements {
      if runs.last?.last?.node == placement.node {
        runs[runs.count - 1].append(placement)
      } else {
        runs.append([placement])
      }
    }
    return runs.map { run in
      let cores = run.map(\.cores)
      return [
        run[0].node, "\(run[0].rank)-\(run.last!.rank)",
        Set(cores).count == 1 ? cores[0] : "\(cores[0]) … \(cores.last!)",
        "\(run.reduce(0) { $0 + $1.threads })", Amount.memory(run.reduce(0) { $0 + $1.memory }),
      ]
    }
  }
}
