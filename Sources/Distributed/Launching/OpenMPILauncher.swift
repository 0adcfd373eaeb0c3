/// `mpirun` of Open MPI.
struct OpenMPILauncher: MPILauncher {
  var program: String { "mpirun" }
  var installation: String { "Install Open MPI (apt install openmpi-bin)" }
  // Variables, not options: they go for srun, too.
  var networkChoice: String { "OMPI_MCA_btl_tcp_if_include=NAME" }
  var sharedNetworkChoice: String { "\(networkChoice) and OMPI_MCA_oob_tcp_if_include=NAME" }
  var fastNetworkQuestion: String { "OMPI_MCA_pml=ucx says why it cannot be used" }
  var patienceBeforeRanks: Duration? { nil }
  var permissionForRoot: [String] {
    ["OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"]
  }

  func arguments(for job: MPIJob, cores: Int, isAllocation: Bool) -> [String] {
    var options = ["-np", String(job.ranks)]
    let policy: String
    if let hostfile = job.hostfile {
      options += ["--hostfile", hostfile]
      // Slots say how many ranks a machine takes, not how many cores they have: ranks of several threads are not
      // bound.
      policy = job.threadsPerRank > 1 ? "none" : "core:overload-allowed"
    } else if job.threadsPerRank > 1 {
      options += ["--map-by", "slot:PE=\(job.threadsPerRank)"]
      policy = "core"
    } else if isAllocation {
      // The batch system has given each machine its slots, and mpirun starts no more: the cores of this one say nothing.
      policy = "core:overload-allowed"
    } else if job.ranks <= cores {
      policy = "core"
    } else {
      options += ["--oversubscribe"]
      policy = "none"
    }
    options += binding(for: job, otherwise: ["--bind-to", policy]) + job.launcherOptions
    for (name, value) in job.environment { options += ["-x", "\(name)=\(value)"] }
    return options + [job.program] + job.arguments
  }

  func exitCode(_ code: Int32) -> Int32 { code }
}
