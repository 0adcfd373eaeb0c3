import HATStorage

/// `mpiexec.hydra`, the launcher of MPICH and of Intel MPI. It goes by this name beside the `mpiexec` of another MPI, too.
///
/// It knows no oversubscription: ranks beyond the slots begin again at the first machine, which `requireStart` prevents.
struct HydraLauncher: MPILauncher {
  var program: String { "mpiexec.hydra" }
  var installation: String { "Install MPICH (apt install mpich)" }
  var networkChoice: String { "UCX_NET_DEVICES=NAME, or FI_TCP_IFACE=NAME with libfabric" }
  var sharedNetworkChoice: String { "\(networkChoice); mpiexec.hydra -iface NAME" }
  var fastNetworkQuestion: String { "UCX_LOG_LEVEL=info, or FI_LOG_LEVEL=info, says what is used" }
  /// It waits for ever for a machine that ssh does not reach.
  var patienceBeforeRanks: Duration? { .seconds(60) }
  var permissionForRoot: [String] { [] }

  func arguments(for job: MPIJob, cores: Int, isAllocation: Bool) throws -> [String] {
    var options = ["-n", String(job.ranks)]
    var policy = job.threadsPerRank > 1 ? "core:\(job.threadsPerRank)" : "core"
    if let hostfile = job.hostfile {
      options += ["-hosts", try hosts(in: hostfile)]
    } else if !isAllocation && job.ranks * job.threadsPerRank > cores {
      policy = "none"
    }
    options += binding(for: job, otherwise: ["-bind-to", policy]) + job.launcherOptions
    for (name, value) in job.environment { options += ["-genv", name, value] }
    return options + [job.program] + job.arguments
  }

  /// Its own files of machines look otherwise, so hat's are read here.
  private func hosts(in hostfile: String) throws -> String {
    try Hostfile(reading: hostfile).machines.map { machine in
      guard let slots = machine.slots else {
        throw UserError(
          .invalidData, at: hostfile,
          "it does not say how many ranks \(machine.name) takes, and MPICH's launcher does not count cores",
          hint: "Write it, such as: \(machine.name) slots=32.")
      }
      return "\(machine.name):\(slots)"
    }.joined(separator: ",")
  }

  /// A rank that was killed makes its signal's bare number the exit code. hat ends with none of these.
  func exitCode(_ code: Int32) -> Int32 { (2...31).contains(code) ? 128 + code : code }
}
