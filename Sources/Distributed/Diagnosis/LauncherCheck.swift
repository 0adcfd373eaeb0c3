import CMPI
import Foundation
import HATStorage

/// Whether as many ranks have met as were started, and the launcher belongs to the MPI library.
struct LauncherCheck: Check {
  static let name = "launcher"

  struct Measurement: Codable {
    /// nil for a process that nobody started as a rank.
    var claim: LauncherClaim?
    /// Of the program `mpirun`; nil where it was not asked, or is not there.
    var mpirun: String?
    var library: String
  }

  func measure(on communicator: any Communicator) -> Measurement {
    let claim = LauncherClaim.current
    let isAsked = communicator.rank == 0 && claim?.isOpenMPI != false
    return Measurement(
      claim: claim, mpirun: isAsked ? MPIRelease.ofLauncher() : nil, library: MPIRelease.ofLibrary())
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let found = ranks.count
    let library = MPIRelease(ranks[0].library)
    if let other = ranks.first(where: { $0.claim?.size.map { $0 != found } ?? false })?.claim {
      return [
        wrong(
          "\(other.launcher) started \(counted(other.size ?? 0, "rank")), and \(found) of them met",
          advice: "Start the ranks by `ranks` or with the mpirun of the library that hat is linked with "
            + "(\(library.text)), or by srun with a plugin that it knows (srun --mpi=list).",
          figures: ["ranks": Double(found), "started": Double(other.size ?? 0)])
      ]
    }
    guard let claim = ranks[0].claim else { return [alone(ranks[0], library)] }
    if claim.isOpenMPI, let difference = difference(ranks[0].mpirun, library) { return [difference] }
    return [
      fine("\(claim.launcher) started \(machines.summary), and all met", figures: ["ranks": Double(found)])
    ]
  }

  private func alone(_ own: Measurement, _ library: MPIRelease) -> Finding {
    guard own.mpirun != nil else {
      return worthKnowing(
        "no launcher: one process. There is no mpirun in PATH",
        advice: "For several ranks, load the module of \(library.text), or install it.")
    }
    return difference(own.mpirun, library)
      ?? fine("no launcher: one process. mpirun belongs to \(library.text)", figures: ["ranks": 1])
  }

  /// Between the `mpirun` in PATH and the library.
  private func difference(_ mpirun: String?, _ library: MPIRelease) -> Finding? {
    guard let launcher = mpirun.map(MPIRelease.init), !launcher.mayBelong(to: library) else { return nil }
    return wrong(
      "mpirun in PATH is of another MPI than hat is linked with: \(launcher.text), and \(library.text)",
      advice: "Put the mpirun of \(library.text) first in PATH (module load).")
  }
}

/// What the environment says of the launcher that started this process as a rank.
struct LauncherClaim: Codable, Equatable {
  var launcher: String
  /// Ranks it says it has started; nil where it does not say.
  var size: Int?
  var isOpenMPI = false

  static var current: LauncherClaim? {
    Launcher.current.map {
      LauncherClaim(launcher: $0.name, size: $0.size, isOpenMPI: $0.kind == .openMPI)
    }
  }
}

/// An MPI, as it names itself.
struct MPIRelease: Equatable {
  /// Such as "Open MPI v4.1.4".
  let text: String
  private let family: String?
  private let number: Substring?

  /// - Parameter description: what a library or launcher says of itself.
  init(_ description: String) {
    let start = description.prefix { $0 != "," && $0 != "\0" }.split(separator: "\n")
    let words = start.prefix(2).joined(separator: " ").split(whereSeparator: \.isWhitespace)
    number = words.joined(separator: " ").firstMatch(of: /\d+\.\d+(\.\d+)?/)?.output.0
    let lead = words.prefix { !$0.contains { $0.isNumber } }
    let version = words.dropFirst(lead.count).prefix(1)
    text = (lead + version).joined(separator: " ")
    // MPICH's launcher calls itself HYDRA.
    family =
      [("Open", "Open MPI"), ("Intel", "Intel MPI"), ("MPICH", "MPICH"), ("HYDRA", "MPICH")]
      .first { description.contains($0.0) }?.1
  }

  /// Whether nothing speaks against it.
  func mayBelong(to library: MPIRelease) -> Bool {
    guard let family, let other = library.family else { return true }
    return family == other && (number == nil || library.number == nil || number == library.number)
  }

  /// What the library this program is linked with says of itself, also before `MPI_Init`.
  static func ofLibrary() -> String {
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING) + 1)
    var length: Int32 = 0
    guard MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "an unknown MPI" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static let patience = Duration.seconds(5)

  /// What `mpirun --version` says; nil where there is no `mpirun`, or it says nothing.
  static func ofLauncher() -> String? {
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    guard
      let child = try? ChildProcess(
        "mpirun", arguments: ["--version"], environment: MPIJob.cleanEnvironment(of: environment))
    else { return nil }
    var said: [UInt8] = []
    let start = ContinuousClock.now
    let code = child.wait(
      receive: { if case .output(let bytes) = $0 { said += bytes } },
      attend: { if ContinuousClock.now - start > patience { child.killTree() } })
    return code == 0 && !said.isEmpty ? String(decoding: said, as: UTF8.self) : nil
  }
}
