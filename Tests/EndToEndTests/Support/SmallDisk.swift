/// A file system with little room, mounted on a folder of its own.
struct SmallDisk {
  let path: String
  /// Removed after the disk is unmounted.
  private let scratch: Scratch

  /// Whether the operating system lets this process mount file systems.
  static let isAllowed: Bool = {
    guard let disk = try? SmallDisk(size: "64k") else { return false }
    disk.unmount()
    return true
  }()

  /// - Parameter size: as tmpfs takes it, such as `600k`.
  init(size: String) throws {
    scratch = try Scratch()
    path = scratch.path
    try Self.mount(["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path])
  }

  func resize(to size: String) throws {
    try Self.mount(["-o", "remount,size=\(size)", path])
  }

  func unmount() {
    _ = ChildProcess.run(["umount", path])
  }

  private struct Refusal: Error {
    var output: String
  }

  private static func mount(_ arguments: [String]) throws {
    let output = ChildProcess.run(["mount"] + arguments)
    guard output.exitCode == 0 else { throw Refusal(output: output.description) }
  }
}
