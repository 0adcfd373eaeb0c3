import Foundation
import HATDistributed
import SystemPackage

/// A run's folder for a measurement, the same on all ranks, removed afterwards.
struct ScratchRun {
  let path: FilePath
  private let isOwner: Bool

  init(_ communicator: any Communicator) throws {
    isOwner = communicator.rank == 0
    let own = FileManager.default.temporaryDirectory.appendingPathComponent("hat-benchmark-\(UUID())").path
    let paths = try Array(own.utf8).withUnsafeBytes { try communicator.allGather($0) }
    path = FilePath(String(decoding: paths[0], as: UTF8.self))
  }

  func remove() {
    if isOwner { try? FileManager.default.removeItem(atPath: path.string) }
  }
}
