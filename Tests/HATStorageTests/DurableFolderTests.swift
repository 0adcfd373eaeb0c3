import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@Suite struct DurableFolderTests {
  private struct Failure: Error {}

  @Test func aFolderIsWholeOrAbsent() throws {
    let owner = TemporaryFolder()
    let scratch = FilePath(owner.path)
    let path = scratch.appending("model")
    #expect(throws: Failure.self) {
      try DurableFolder.write(to: path) { folder in
        try DurableFile.write([1], to: folder.appending("a"))
        throw Failure()
      }
    }
    #expect(try DurableFile.list(scratch).isEmpty)
    try DurableFolder.write(to: path) { folder in
      #expect(folder != path && !DurableFile.exists(path))
      try DurableFile.write([2], to: folder.appending("b"))
    }
    #expect(try DurableFile.list(scratch) == ["model"])
    #expect(try DurableFile.list(path) == ["b"])
  }

  @Test func whatAnInterruptedWriterLeftIsRemoved() throws {
    let owner = TemporaryFolder()
    let scratch = FilePath(owner.path)
    let path = scratch.appending("model")
    let left = FilePath(path.string + DurableFile.partialSuffix)
    try DurableFile.createFolder(left.appending("deeper"))
    try DurableFile.write([1], to: left.appending("old"))
    try DurableFolder.write(to: path) { try DurableFile.write([2], to: $0.appending("new")) }
    #expect(try DurableFile.list(path) == ["new"])
    #expect(try DurableFile.list(scratch) == ["model"])
  }

  @Test func anEmptyFolderIsReplacedAndNoOther() throws {
    let owner = TemporaryFolder()
    let scratch = FilePath(owner.path)
    let empty = scratch.appending("empty")
    try DurableFile.createFolder(empty)
    try DurableFolder.write(to: empty) { try DurableFile.write([1], to: $0.appending("a")) }
    let file = scratch.appending("file")
    try DurableFile.write([1], to: file)
    for path in [empty, file, scratch.appending("nowhere/model")] {
      let error = #expect(throws: UserError.self) {
        try DurableFolder.write(to: path) { _ in Issue.record("it may not be written") }
      }
      #expect(error?.kind == .cannotWrite)
    }
    #expect(try DurableFile.list(empty) == ["a"])
  }

  @Test func twoWritersDoNotMix() throws {
    let owner = TemporaryFolder()
    let scratch = FilePath(owner.path)
    let path = scratch.appending("model")
    try DurableFolder.write(to: path) { folder in
      try DurableFile.write([1], to: folder.appending("a"))
      let error = #expect(throws: UserError.self) {
        try DurableFolder.write(to: path) { _ in Issue.record("another writes it") }
      }
      #expect(error?.kind == .cannotWrite)
    }
    #expect(try DurableFile.list(path) == ["a"])
  }

  /// Also in the moment in which the folder gets its name.
  @Test func aFinishedFolderIsWholeWhoeverElseWritesIt() throws {
    let owner = TemporaryFolder()
    let scratch = FilePath(owner.path)
    for round in 0..<20 {
      let path = scratch.appending("model-\(round)")
      DispatchQueue.concurrentPerform(iterations: 2) { _ in
        while !DurableFile.exists(path) {
          try? DurableFolder.write(to: path) { try DurableFile.write([1], to: $0.appending("a")) }
        }
      }
      #expect(try DurableFile.list(path) == ["a"])
    }
    #expect(try DurableFile.list(scratch).count == 20)
  }
}
