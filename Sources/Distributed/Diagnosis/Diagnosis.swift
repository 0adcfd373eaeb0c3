import HATStorage
import SystemPackage

/// Looks for what goes wrong on clusters, one check after the other.
public struct Diagnosis {
  /// The name of the part before the first check.
  static let connecting = "start"

  /// Folders of corpora.
  public var corpora: [String]
  /// The folder of a run, which need not be there yet.
  public var run: String?

  public init(corpora: [String] = [], run: String? = nil) {
    (self.corpora, self.run) = (corpora, run)
  }

  /// Performs all checks that there is something for. Collective.
  /// - Parameters:
  ///   - deadline: bounds the time of each.
  ///   - report: called with each finding as it is made, on rank 0.
  /// - Returns: the gravest verdict, on every rank.
  /// - Throws: `CommunicationFailure`.
  public func perform(
    on communicator: any Communicator, deadline: DiagnosisDeadline, report: (Finding) throws -> Void
  ) throws -> Verdict {
    let machines = try Machines(of: communicator)
    var gravest = Verdict.fine
    func perform<Kind: Check>(_ check: Kind) throws {
      deadline.begin(Kind.name, rank: communicator.rank)
      let findings = try check.perform(on: communicator, machines)
      gravest = max(gravest, findings.map(\.verdict).max()!)
      try communicator.together {
        if communicator.rank == 0 { for finding in findings { try report(finding) } }
      }
    }
    try perform(LauncherCheck())
    try perform(BuildCheck())
    try perform(ProcessorCheck())
    try perform(CoreCheck())
    try perform(CoreSpeedCheck())
    try perform(SharedMemoryCheck())
    try perform(MemoryRoomCheck())
    try perform(ProcessLimitCheck())
    if machines.ranks > machines.nodes.count { try perform(NodeLinkCheck()) }
    if machines.nodes.count > 1 {
      try perform(NetworkCheck())
      try perform(ClockCheck())
    }
    if !corpora.isEmpty { try perform(CorpusCheck(folders: corpora)) }
    if let run { try perform(RunFolderCheck(folder: FilePath(run))) }
    return gravest
  }

  /// What costs next to nothing, for the start of a training: only what is wrong or worth knowing. Collective.
  /// - Returns: the findings, on every rank.
  /// - Throws: `CommunicationFailure`.
  public static func atStart(on communicator: any Communicator) throws -> [Finding] {
    let machines = try Machines(of: communicator)
    let all =
      try BuildCheck().perform(on: communicator, machines)
      + ProcessorCheck().perform(on: communicator, machines)
      + CoreCheck().perform(on: communicator, machines)
      + SharedMemoryCheck().perform(on: communicator, machines)
    return all.filter { $0.verdict > .fine }
  }
}
