import Glibc
import HATStorage
import SystemPackage
import TestSupport
import Testing

@Suite struct DurableFileTests {
  @Test func aWrittenFileIsWholeAndLeavesNoOther() throws {
    let folder = TemporaryFolder()
    let path = FilePath(folder.path).appending("file")
    try DurableFile.write([1, 2, 3], to: path)
    try DurableFile.write([4, 5], to: path)
    #expect(try FileReader(opening: path).read(at: 0, count: 2) == [4, 5])
    #expect(try DurableFile.list(FilePath(folder.path)) == ["file"])
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    let folder = TemporaryFolder()
    let path = FilePath(folder.path).appending("file")
    try DurableFile.write([1], to: path)
    // A folder in the way of the temporary name: creating it fails.
    try DurableFile.createFolder(FilePath(path.string + DurableFile.partialSuffix))
    let error = #expect(throws: UserError.self) { try DurableFile.write([2], to: path) }
    #expect(error?.kind == .cannotWrite)
    #expect(try FileReader(opening: path).read(at: 0, count: 1) == [1])
  }

  @Test func aLinkIsFollowed() throws {
    let own = TemporaryFolder()
    let folder = FilePath(own.path)
    let (target, link) = (folder.appending("target"), folder.appending("link"))
    try DurableFile.write([1], to: target)
    #expect(symlink("target", link.string) == 0)
    try DurableFile.write([2], to: link)
    #expect(try FileReader(opening: target).read(at: 0, count: 1) == [2])
    var status = stat()
    #expect(lstat(link.string, &status) == 0 && (status.st_mode & S_IFMT) == S_IFLNK)
  }

  @Test func whatIsNoFileIsNotReplaced() throws {
    let folder = TemporaryFolder()
    let root = FilePath(folder.path)
    let (pipe, lost, own) = (root.appending("pipe"), root.appending("lost"), root.appending("folder"))
    #expect(mkfifo(pipe.string, 0o600) == 0)
    #expect(symlink("nowhere", lost.string) == 0)
    try DurableFile.createFolder(own)
    for (path, word) in [
      (pipe, "pipe"), (lost, "nowhere"), (own, "folder"), (FilePath("/dev/null"), "device"),
    ] {
      let error = #expect(throws: UserError.self) { try DurableFile.write([1], to: path) }
      #expect(
        error?.kind == .cannotWrite && error?.description.contains(word) == true,
        "\(String(describing: error))")
    }
    #expect(try DurableFile.list(root) == ["folder", "lost", "pipe"])
  }

  @Test func anotherWriterIsNamedAndNotDisturbed() throws {
    let folder = TemporaryFolder()
    let path = FilePath(folder.path).appending("file")
    try DurableFile.write(to: path) { writer in
      try writer.write([1, 2])
      let error = #expect(throws: UserError.self) { try DurableFile.write([3], to: path) }
      #expect(error?.kind == .cannotWrite && error?.problem.contains("process \(getpid())") == true)
      try writer.write([3])
    }
    #expect(try FileReader(opening: path).read(at: 0, count: 3) == [1, 2, 3])
    #expect(try DurableFile.list(FilePath(folder.path)) == ["file"])
  }

  @Test func whatFailsLeavesNoPartOfAFile() throws {
    let folder = TemporaryFolder()
    let path = FilePath(folder.path).appending("file")
    #expect(throws: CancellationError.self) {
      try DurableFile.write(to: path) { writer in
        try writer.write([1])
        throw CancellationError()
      }
    }
    #expect(try DurableFile.list(FilePath(folder.path)) == [])
  }

  @Test func aLockedFolderNamesTheProcess() throws {
    let folder = TemporaryFolder()
    let (root, lock) = (FilePath(folder.path), FilePath(folder.path).appending(".lock"))
    let held = try FolderLock(lock, of: root, work: "training")
    let error = #expect(throws: UserError.self) {
      try FolderLock(lock, of: root, work: "training", patience: 0)
    }
    #expect(error?.problem.contains("process \(getpid())") == true, "\(String(describing: error))")
    withExtendedLifetime(held) {}
  }

  @Test func aSharedLockIsHeldByAll() throws {
    let folder = TemporaryFolder()
    let (root, path) = (FilePath(folder.path), FilePath(folder.path).appending(".lock"))
    func join() throws -> FolderLock {
      try FolderLock(path, of: root, work: "preprocessing", isShared: true, patience: 0)
    }
    let first = try FolderLock(path, of: root, work: "preprocessing")
    #expect(throws: UserError.self) { try join() }
    try first.share()
    let second = try join()
    #expect(throws: UserError.self) {
      try FolderLock(path, of: root, work: "preprocessing", patience: 0)
    }
    #expect(FolderLock.isHeld(path))
    withExtendedLifetime((first, second)) {}
  }

  /// `café` in Latin-1.
  @Test func aNameThatIsNotUTF8IsAnError() throws {
    let folder = TemporaryFolder()
    let root = FilePath(folder.path)
    try DurableFile.write([1], to: root.appending("good"))
    let name = (Array("\(folder.path)/caf".utf8) + [0xE9, 0]).map { CChar(bitPattern: $0) }
    let descriptor = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    close(descriptor)
    // Foundation does not remove it.
    defer { unlink(name) }
    let error = #expect(throws: UserError.self) { try DurableFile.list(root) }
    #expect(error?.kind == .missingInput)
    #expect(error?.problem == "the folder holds a name that is not UTF-8 (caf\u{FFFD})")
  }

  @Test func impossibleRoomOnADiskIsMuch() {
    #expect(DurableFile.freeBytes(blocks: 10, ofBytes: 4096) == 40_960)
    for (blocks, size): (UInt64, UInt64) in [(.max, 1), (.max, 4096), (1 << 51, 4096), (1 << 63, 2)] {
      #expect(DurableFile.freeBytes(blocks: blocks, ofBytes: size) == 1 << 62)
    }
    #expect(DurableFile.freeBytes(at: FilePath("/"))! >= 0)
    #expect(DurableFile.freeBytes(at: FilePath("/nowhere/at/all")) == nil)
  }

  @Test func aFullDiskIsNamed() throws {
    let writer = try FileWriter(creating: FilePath("/dev/full"))
    let error = #expect(throws: UserError.self) { try writer.write([UInt8](repeating: 0, count: 1 << 16)) }
    #expect(error?.kind == .cannotWrite)
    #expect(error?.problem.contains("full") == true)
  }

  @Test func readingPastTheEndIsInvalidData() throws {
    let folder = TemporaryFolder()
    let path = FilePath(folder.path).appending("file")
    try DurableFile.write([1, 2, 3], to: path)
    let error = #expect(throws: UserError.self) { try FileReader(opening: path).read(at: 1, count: 3) }
    #expect(error?.kind == .invalidData)
    let missing = #expect(throws: UserError.self) { try FileReader(opening: FilePath("/nowhere/at/all")) }
    #expect(missing?.kind == .missingInput)
  }

  @Test func removingAFolderSparesWhatALinkInItNames() throws {
    let folder = TemporaryFolder()
    let root = FilePath(folder.path)
    try DurableFile.createFolder(root.appending("kept/inner"))
    try DurableFile.write([1], to: root.appending("kept/file"))
    try DurableFile.createFolder(root.appending("removed/a/b"))
    #expect(symlink(root.appending("kept").string, root.appending("removed/link").string) == 0)
    try DurableFile.remove(root.appending("removed"))
    #expect(try DurableFile.list(root) == ["kept"])
    #expect(try DurableFile.list(root.appending("kept")) == ["file", "inner"])
  }
}

@Suite struct ChecksumTests {
  @Test func piecesGiveTheChecksumOfTheWhole() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let running = RunningChecksum()
    for start in stride(from: 0, to: bytes.count, by: 777) {
      Array(bytes[start..<min(start + 777, bytes.count)]).withUnsafeBytes { running.update($0) }
    }
    #expect(running.checksum == Checksum(of: bytes))
  }

  @Test func textFormHasSixteenDigits() {
    #expect(Checksum(value: 0xAB).hexadecimal == "00000000000000ab")
    #expect(Checksum(hexadecimal: "00000000000000ab") == Checksum(value: 0xAB))
    #expect(Checksum(hexadecimal: "ab") == nil)
    // XXH3 of nothing, seed 0, as its specification gives it.
    #expect(Checksum(of: []).hexadecimal == "2d06800538d394c2")
  }
}
