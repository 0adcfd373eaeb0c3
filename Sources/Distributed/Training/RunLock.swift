import HATStorage
import SystemPackage

/// Keeps two trainings out of one folder.
final class RunLock {
  private let lock: FolderLock

  /// - Throws: `UserError` of kind `cannotWrite` while another training holds it.
  init(_ run: FilePath, patience: Int = FolderLock.defaultPatience) throws {
    lock = try FolderLock(run.appending(".lock"), of: run, work: "training", patience: patience)
  }
}
