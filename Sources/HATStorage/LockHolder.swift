import Foundation
import Glibc
import SystemPackage

/// Which process has a folder, written into its lock file, so that it can be named on other machines too.
package struct LockHolder: Codable, Equatable, Sendable {
  package var host: String
  package var process: pid_t
  /// Its parent, the parent's parent, and so on.
  package var ancestors: [pid_t]
  /// What has started it, and may have started another before.
  package var job: String?
  /// The Slurm job that it belongs to.
  package var slurmJob: String?
  /// How often Slurm has started that job again.
  package var restarts: Int

  /// This process.
  package static var current: LockHolder {
    let environment = ProcessInfo.processInfo.environment
    return LockHolder(
      host: NodeName.current, process: getpid(), ancestors: Ancestry.ancestors(of: getpid()),
      job: environment[FolderLock.jobVariable], slurmJob: environment["SLURM_JOB_ID"],
      restarts: environment["SLURM_RESTART_COUNT"].flatMap { Int($0) } ?? 0)
  }

  func write(to descriptor: Int32) {
    guard let bytes = try? JSONEncoder().encode(self) else { return }
    // For messages and `FolderLock.isHeld`: a disk that is full takes the lock all the same.
    _ = ftruncate(descriptor, 0)
    _ = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    // Else other machines may not see it before the file is closed.
    fsync(descriptor)
  }

  /// nil where nothing of that kind stands in the file.
  package init?(reading path: FilePath) {
    guard let file = try? FileReader(opening: path), file.length < 1 << 16,
      let bytes = try? file.read(at: 0, count: file.length),
      let holder = try? JSONDecoder().decode(Self.self, from: Data(bytes))
    else { return nil }
    self = holder
  }

  package init(
    host: String, process: pid_t, ancestors: [pid_t], job: String? = nil, slurmJob: String? = nil,
    restarts: Int = 0
  ) {
    (self.host, self.process, self.ancestors) = (host, process, ancestors)
    (self.job, self.slurmJob, self.restarts) = (job, slurmJob, restarts)
  }

  package var description: String {
    "process \(process) on \(host)" + (slurmJob.map { ", Slurm job \($0)" } ?? "")
  }

  /// Seconds to wait for it to end: it may be what is left of a job that this process follows.
  ///
  /// A file server keeps the lock of a machine that is gone for a while: 90 seconds by Linux' NFS.
  package func patience(of other: LockHolder, usual: Int) -> Int {
    if let slurmJob, slurmJob == other.slurmJob {
      return restarts == other.restarts ? usual : max(usual, Self.afterLostMachine)
    }
    if job != nil && job == other.job { return usual }
    return isSeveredHere(from: other.host) ? usual : 0
  }

  private static let afterLostMachine = 120

  /// Whether what has started it is gone, which can be seen on its own machine only.
  private func isSeveredHere(from host: String) -> Bool {
    host == self.host && Ancestry.ancestors(of: process) != ancestors
  }
}
