import Testing

@testable import HATDistributed

@Suite struct LaunchingTests {
  private static let rule = String(repeating: "-", count: 74)

  /// What is shown of `text`, said after a rank has started, however it is cut into pieces, and what is held back.
  private func parted(_ text: String, pieceLength: Int) -> (shown: String, heldBack: String, hasError: Bool) {
    var chatter = LauncherChatter()
    var shown: [UInt8] = []
    let bytes = Array("\(LauncherChatter.greeting)\n\(text)".utf8)
    for start in stride(from: 0, to: bytes.count, by: pieceLength) {
      shown += chatter.receive(bytes[start..<min(bytes.count, start + pieceLength)])
    }
    shown += chatter.finish()
    return (
      String(decoding: shown, as: UTF8.self), String(decoding: chatter.heldBack, as: UTF8.self),
      chatter.hasError
    )
  }

  @Test(arguments: [1, 2, 3, 7, 64, 100_000]) func remarksOfMPIAreHeldBack(pieceLength: Int) {
    let remark = "\(Self.rule)\nPrimary job  terminated normally, but 1 process returned\n\(Self.rule)\n"
    let aside = "[host:12] 1 more process has sent help message help-mpi-api.txt / mpi-abort\n"
    let trouble = "[host:12] [[8776,0],0] ORTE_ERROR_LOG: Data unpack would read past end of buffer\n"
    let forwarding = "mpirun: Forwarding signal 10 to job\n"
    let hydra = "[mpiexec@host] control_cb (pm/pmiserv/pmiserv_cb.c:206): assert (!closed) failed\n"
    let abort =
      "Abort(70) on node 1 (rank 1 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 70) - process 1\n"
    let ours = [
      "step 1\r", "\rstep 2\n", "error: x: it is broken. Mend it.\n", "- a list\n", "[1] a note\n",
      "mpi\nAbort(ed)\n",
    ]
    let pieces = [
      ours[0], ours[1], remark, ours[2], aside, trouble, ours[3], forwarding, hydra, ours[4], remark, abort,
      ours[5],
    ]
    let text = pieces.joined()
    let (shown, heldBack, hasError) = parted(text, pieceLength: pieceLength)
    #expect(shown == ours.joined())
    #expect(heldBack == remark + aside + trouble + forwarding + hydra + remark + abort)
    #expect(hasError)
  }

  @Test(arguments: [
    ("[node-1:1234] mca_base_component: unable to open", true), ("[node-1:1234]", true),
    ("[1] a note", false),
    ("[a:b] a note", false), ("[1,0]<stderr>:hello", false), ("x [node-1:1234]", false),
    ("[node-1:1234", false), ("", false),
  ])
  func openMPISignsWithHostAndProcess(line: String, isSigned: Bool) {
    #expect(LauncherLine.isSigned(Array(line.utf8)) == isSigned)
  }

  @Test func aBarThatIsDrawnOverIsShownAtOnce() {
    var chatter = LauncherChatter()
    _ = chatter.receive(Array("\(LauncherChatter.greeting)\n".utf8))
    #expect(chatter.receive(Array("\rtraining [==".utf8)) == Array("\rtraining [==".utf8))
    #expect(chatter.receive(Array("  ] 50%".utf8)) == Array("  ] 50%".utf8))
  }

  @Test func anUnfinishedLastLineIsShown() {
    #expect(parted("- and", pieceLength: 2).shown == "- and")
  }

  @Test func restartsCountAnewAfterProgress() {
    var budget = RestartBudget(limit: 2, reached: 100)
    // The last place is behind: an older checkpoint is no progress.
    let taken = [100, 100, 120, 120, 120, 90].map { budget.take(at: $0) }
    #expect(taken == [true, true, true, true, false, false])
    var none = RestartBudget(limit: 0, reached: 0)
    let isTaken = none.take(at: 50)
    #expect(!isTaken)
  }

  @Test func aChildsEnvironmentHoldsNothingOfThisJob() {
    let environment = [
      "PATH=/bin", "OMPI_COMM_WORLD_RANK=0", "PMIX_RANK=0", "PMI_RANK=0", "ORTE_X=1", "MYOMPI_=1",
      "MPI_LOCALRANKID=0", "HYDI_CONTROL_FD=7",
    ]
    func clean(_ launcher: any MPILauncher, isRoot: Bool) -> [String] {
      MPIJob.cleanEnvironment(of: environment, launcher: launcher, isRoot: isRoot)
    }
    let kept = ["PATH=/bin", "MYOMPI_=1"]
    #expect(clean(OpenMPILauncher(), isRoot: false) == kept)
    #expect(
      clean(OpenMPILauncher(), isRoot: true)
        == kept + ["OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"])
    #expect(clean(HydraLauncher(), isRoot: true) == kept)
  }

  @Test func listsOfProcessorsAreRead() {
    #expect(ProcessorCores.threads(inList: "0-3,8,10-11") == [0, 1, 2, 3, 8, 10, 11])
    #expect(ProcessorCores.threads(inList: "0") == [0])
    #expect(ProcessorCores.available() >= 1)
  }

  /// As virtual machines number them, threads 0 and 1 are one core; a job may have some threads only.
  @Test func aThreadOfEachCoreIsOneThatMayBeUsed() {
    func pairs(_ thread: Int) -> [Int] { [thread & ~1, thread | 1] }
    #expect(ProcessorCores.oneOfEachCore([0, 1, 2, 3], siblings: pairs) == [0, 2])
    #expect(ProcessorCores.oneOfEachCore([17, 18, 19], siblings: pairs) == [17, 18])
    #expect(ProcessorCores.oneOfEachCore([2, 3], siblings: { _ in [] }) == [2, 3])
    #expect(ProcessorCores.oneThreadEach().count == ProcessorCores.available())
  }
}
