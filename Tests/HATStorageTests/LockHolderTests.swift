import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@Suite struct LockHolderTests {
  private func holder(
    host: String = "node-1", job: String? = nil, slurmJob: String? = nil, restarts: Int = 0
  ) -> LockHolder {
    LockHolder(
      host: host, process: 12, ancestors: [10, 1], job: job, slurmJob: slurmJob, restarts: restarts)
  }

  @Test func anotherJobIsRefusedAtOnce() {
    #expect(holder().patience(of: holder(host: "node-2"), usual: 10) == 0)
    #expect(holder(job: "a").patience(of: holder(host: "node-2", job: "b"), usual: 10) == 0)
    #expect(holder(slurmJob: "7").patience(of: holder(host: "node-2", slurmJob: "8"), usual: 10) == 0)
    // This process itself lives, and so does what has started it.
    #expect(LockHolder.current.patience(of: .current, usual: 10) == 0)
  }

  @Test func whatIsLeftOfAnEarlierStartIsWaitedFor() {
    #expect(holder(job: "a").patience(of: holder(host: "node-2", job: "a"), usual: 10) == 10)
    #expect(holder(slurmJob: "7").patience(of: holder(host: "node-2", slurmJob: "7"), usual: 10) == 10)
    // A machine that is gone keeps its lock for a while.
    let next = holder(host: "node-2", slurmJob: "7", restarts: 1)
    #expect(holder(slurmJob: "7").patience(of: next, usual: 10) > 90)
    var severed = LockHolder.current
    severed.ancestors.removeLast()
    #expect(severed.patience(of: .current, usual: 10) == 10)
  }

  private func overwrite(_ path: FilePath, with content: Data) throws {
    let handle = try FileHandle(forWritingTo: URL(filePath: path.string))
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: content)
  }

  @Test func theLockFileNamesItsHolder() throws {
    let folder = TemporaryFolder()
    let (root, path) = (FilePath(folder.path), FilePath(folder.path).appending(".lock"))
    let lock = try FolderLock(path, of: root, work: "training")
    #expect(LockHolder(reading: path) == .current)
    // As if it had been taken on another machine. The file itself is what is locked: no other takes its place.
    try overwrite(path, with: JSONEncoder().encode(holder(slurmJob: "7")))
    let start = ContinuousClock.now
    let error = #expect(throws: UserError.self) { try FolderLock(path, of: root, work: "training") }
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(error?.problem == "another training (process 12 on node-1, Slurm job 7) is writing to it")
    withExtendedLifetime(lock) {}
  }

  /// Files on other file systems have the same numbers, and locks of other programs.
  @Test func aLockIsHeldByTheProcessThatItsFileNames() throws {
    let folder = TemporaryFolder()
    let (root, path) = (FilePath(folder.path), FilePath(folder.path).appending(".lock"))
    #expect(!FolderLock.isHeld(path))
    let lock = try FolderLock(path, of: root, work: "training")
    #expect(FolderLock.isHeld(path))
    var other = LockHolder.current
    other.process = 1
    try overwrite(path, with: JSONEncoder().encode(other))
    #expect(!FolderLock.isHeld(path))
    withExtendedLifetime(lock) {}
  }

  @Test func aProcessInAContainerHasTwoNumbers() throws {
    let folder = TemporaryFolder()
    try DurableFile.createFolder(FilePath(folder.appending("proc/4711")))
    try DurableFile.write(
      Array("Name:\thm\nNSpid:\t4711\t17\nNSpgid:\t4711\t9\n".utf8),
      to: FilePath(folder.appending("proc/4711/status")))
    #expect(Set(FileLock.numbers(of: 4711, root: folder.path + "/")) == [4711, 17])
    #expect(FileLock.numbers(of: 12, root: folder.path + "/") == [12])
  }

  /// As locks of earlier versions: the kernel may know the process.
  @Test(arguments: ["", "{", "not JSON"]) func aHolderThatIsNotNamed(content: String) throws {
    let folder = TemporaryFolder()
    let (root, path) = (FilePath(folder.path), FilePath(folder.path).appending(".lock"))
    let lock = try FolderLock(path, of: root, work: "training")
    try overwrite(path, with: Data(content.utf8))
    let error = #expect(throws: UserError.self) {
      try FolderLock(path, of: root, work: "training", patience: 0)
    }
    #expect(error?.problem.contains("process \(getpid())") == true)
    withExtendedLifetime(lock) {}
  }
}
