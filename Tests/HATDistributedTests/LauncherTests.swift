import HATStorage
import Testing

@testable import HATDistributed

/// What environments say, as Open MPI 4.1, Hydra, and Slurm 22.05 set them.
@Suite struct LauncherTests {
  private static let batchScript = [
    "SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "4",
  ]
  private static let task = [
    "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0", "SLURM_NTASKS": "4",
  ]
  private static let pmix = ["PMIX_RANK": "2", "PMIX_NAMESPACE": "slurm.pmix.7.0"]
  private static let pmi = ["PMI_RANK": "2", "PMI_SIZE": "4", "PMI_FD": "10"]
  private static let hydra = pmi.merging(["MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "2"]) { $1 }
  private static let mpirun = ["OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "PMIX_RANK": "5"]

  private func launcher(_ parts: [String: String]...) -> Launcher? {
    Launcher(parts.reduce(into: [:]) { $0.merge($1) { $1 } })
  }

  @Test func aProcessByItselfHasNone() {
    #expect(launcher() == nil)
    #expect(launcher(Self.batchScript) == nil)
    let only = ["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"]
    #expect(launcher(only) == nil)
    #expect(launcher(only, ["PMIX_RANK": "0", "PMIX_NAMESPACE": "a"]) == nil)
    #expect(launcher(["PMI_RANK": "0", "PMI_SIZE": "1"]) == nil)
    // An allocation, where a user starts mpirun.
    #expect(launcher(["SLURM_JOB_ID": "7", "SLURM_NTASKS": "4"]) == nil)
  }

  @Test func everyLauncherIsRecognised() {
    // Open MPI's daemons may be the tasks of a Slurm step: what is nearest counts.
    for found in [launcher(Self.mpirun), launcher(Self.task, Self.mpirun)] {
      #expect(found?.kind == .openMPI && found?.size == 8 && found?.claimedRank == 5)
      #expect(found?.name == "mpirun")
    }
    for found in [launcher(Self.hydra), launcher(Self.task, Self.hydra)] {
      #expect(found?.kind == .hydra && found?.size == 4 && found?.claimedRank == 2)
      #expect(found?.name == "mpiexec")
    }
    let srun = [
      (launcher(Self.task), Launcher.Kind.bareSlurm), (launcher(Self.task, Self.pmix), .pmix),
      (launcher(Self.task, Self.pmi), .pmi),
    ]
    for (found, kind) in srun {
      #expect(found?.kind == kind && found?.size == 4 && found?.claimedRank == 2)
      #expect(found?.name == "srun")
    }
    #expect(launcher(Self.pmi)?.name == "mpiexec")
    #expect(launcher(Self.pmix)?.size == nil)
    #expect(launcher(Self.task, Self.pmix, ["SLURM_HET_SIZE": "2"])?.size == nil)
    // The processes of mpirun and mpiexec are ranks, even a single one.
    #expect(launcher(Self.hydra, ["PMI_SIZE": "1", "PMI_RANK": "0"])?.size == 1)
    #expect(launcher(["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"])?.size == 1)
  }

  @Test func openMPINeedsPMIx() throws {
    for (found, server) in [(launcher(Self.task), "no PMI"), (launcher(Self.task, Self.pmi), "PMI-2")] {
      let error = #expect(throws: UserError.self) { try found?.requireServer(isOpenMPI: true) }
      #expect(error?.kind == .wrongUsage && error?.description.contains(server) == true)
      #expect(error?.hint.contains("srun --mpi=pmix") == true)
      try found?.requireServer(isOpenMPI: false)
    }
    #expect(throws: UserError.self) { try launcher(Self.hydra)?.requireServer(isOpenMPI: true) }
    try launcher(Self.hydra)?.requireServer(isOpenMPI: false)
    try launcher(Self.task, Self.pmix)?.requireServer(isOpenMPI: true)
    try launcher(Self.mpirun)?.requireServer(isOpenMPI: true)
  }

  @Test func theCommunicatorHoldsAllProcesses() throws {
    for found in [launcher(Self.task, Self.pmix), launcher(Self.task, Self.pmi), launcher(Self.task)] {
      try found?.requireWhole(size: 4)
      for size in [1, 2, 8] {
        let error = #expect(throws: UserError.self) { try found?.requireWhole(size: size) }
        #expect(error?.description.contains("4 processes, and MPI connects \(size)") == true)
      }
    }
    // Where the launcher does not say how many there are, a rank beyond the last is too many.
    let unknown = launcher(Self.pmix)
    try unknown?.requireWhole(size: 3)
    #expect(throws: UserError.self) { try unknown?.requireWhole(size: 2) }
  }

  @Test func oneProcessReports() {
    let reports = (0..<4).map { rank in
      launcher(Self.task, ["SLURM_PROCID": "\(rank)"])?.reports
    }
    #expect(reports == [true, false, false, false])
    // The first alone may find nothing wrong.
    #expect((0..<2).map { launcher(["PMIX_RANK": "\($0)"])?.reports } == [false, true])
  }
}
