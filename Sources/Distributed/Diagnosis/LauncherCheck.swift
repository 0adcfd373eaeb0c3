import Foundation
import HATStorage

/// Whether as many ranks have met as were started, and the launcher belongs to the MPI library.
struct LauncherCheck: Check {
  static let name = "launcher"

  struct Measurement: Codable {
    /// nil for a process that nobody started as a rank.
    var claim: LauncherClaim?
    /// What the launcher in PATH says of itself; nil where it was not asked, or is not there.
    var launcher: String?
    var library: String
  }

  /// Of the library.
  var launcher: any MPILauncher = MPILaunchers.current

  func measure(on communicator: any Communicator) -> Measurement {
    let claim = LauncherClaim.current
    let isAsked = communicator.rank == 0 && claim?.isOfMPI != false
    return Measurement(
      claim: claim, launcher: isAsked ? MPIRelease.ofLauncher(launcher) : nil, library: MPIRelease.ofLibrary()
    )
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let found = ranks.count
    let library = MPIRelease(ranks[0].library)
    if let other = ranks.first(where: { $0.claim?.size.map { $0 != found } ?? false })?.claim {
      return [
        wrong(
          "\(other.launcher) started \(counted(other.size ?? 0, "rank")), and \(found) of them met",
          advice: "Start the ranks by `ranks` or with the launcher of the library that hat is linked with "
            + "(\(library.text)), or by srun with a plugin that it knows (srun --mpi=list).",
          figures: ["ranks": Double(found), "started": Double(other.size ?? 0)])
      ]
    }
    guard let claim = ranks[0].claim else { return [alone(ranks[0], library)] }
    if claim.isOfMPI, let difference = difference(ranks[0].launcher, library) { return [difference] }
    return [
      fine("\(claim.launcher) started \(machines.summary), and all met", figures: ["ranks": Double(found)])
    ]
  }

  private func alone(_ own: Measurement, _ library: MPIRelease) -> Finding {
    guard own.launcher != nil else {
      return worthKnowing(
        "no launcher: one process. There is no \(launcher.program) in PATH",
        advice: "For several ranks, load the module of \(library.text), or install it.")
    }
    return difference(own.launcher, library)
      ?? fine(
        "no launcher: one process. \(launcher.program) belongs to \(library.text)", figures: ["ranks": 1])
  }

  /// Between the launcher in PATH and the library.
  private func difference(_ description: String?, _ library: MPIRelease) -> Finding? {
    guard let release = description.map(MPIRelease.init), !release.mayBelong(to: library) else { return nil }
    return wrong(
      "\(launcher.program) in PATH is of another MPI than hat is linked with: \(release.text), and \(library.text)",
      advice: "Put the \(launcher.program) of \(library.text) first in PATH (module load).")
  }
}

/// What the environment says of the launcher that started this process as a rank.
struct LauncherClaim: Codable, Equatable {
  var launcher: String
  /// Ranks it says it has started; nil where it does not say.
  var size: Int?
  /// Whether it is the launcher of an MPI, and not a batch system.
  var isOfMPI = false

  static var current: LauncherClaim? {
    Launcher.current.map {
      LauncherClaim(launcher: $0.name, size: $0.size, isOfMPI: [.openMPI, .hydra].contains($0.kind))
    }
  }
}

extension MPIRelease {
  private static let patience = Duration.seconds(5)

  /// What a launcher says of itself; nil where there is none, or it says nothing.
  static func ofLauncher(_ launcher: any MPILauncher) -> String? {
    guard let child = try? ChildProcess(launcher.program, arguments: ["--version"]) else { return nil }
    var said: [UInt8] = []
    let start = ContinuousClock.now
    let code = child.wait(
      receive: { if case .output(let bytes) = $0 { said += bytes } },
      attend: { if ContinuousClock.now - start > patience { child.killTree() } })
    return code == 0 && !said.isEmpty ? String(decoding: said, as: UTF8.self) : nil
  }
}
