import HATStorage

/// How much room the rest of a corpus takes, judged by what there is of it.
struct DiskNeed {
  private let folder: WorkFolder
  /// Nil where there is nothing to judge by.
  private let bytes: Int?

  init(_ folder: WorkFolder, _ pass: ShardPass, total: Int?) {
    self.folder = folder
    let finished = (try? folder.unitRecords()) ?? []
    let unfinished = pass.unfinished
    let finishedInput = finished.reduce(0) { $0 + $1.inputBytes }
    let input = finishedInput + unfinished.inputBytes
    let shards = finished.reduce(0) { $0 + $1.shardBytes } + unfinished.shardBytes
    bytes =
      input > 0 && shards > 0
      ? total.map { Int(Double($0 - finishedInput) * Double(shards) / Double(input)) } : nil
  }

  /// An error that says so when it is for want of room.
  func explaining(_ error: any Error) -> any Error {
    guard var error = error as? UserError, error.isDiskFull else { return error }
    let free = DurableFile.freeBytes(at: folder.path).map { ", and \(Self.amount($0)) are free" } ?? ""
    error.problem =
      "the disk is full: "
      + (bytes.map { "the rest of the corpus takes about \(Self.amount($0))" }
        ?? "how much the rest takes cannot be told yet") + free
    return error
  }

  private static func amount(_ bytes: Int) -> String {
    "\((bytes + (1 << 20) - 1) >> 20) MiB"
  }
}
