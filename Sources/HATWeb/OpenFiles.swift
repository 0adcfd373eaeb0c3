import Glibc
import HATStorage

/// How many files, connections among them, a process may have open.
enum OpenFiles {
  /// Beside connections: the model's, the log, and those of the system's libraries.
  private static let others = 128

  /// Raises the limit so that there is room for some connections.
  /// - Parameter refused: connections beside them, whose clients are told that there are too many.
  /// - Throws: `UserError` of kind `wrongUsage` where the system does not let it.
  static func makeRoom(forConnections connections: Int, refused: Int) throws {
    let wanted = rlim_t(connections + refused + others)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    guard limit.rlim_cur < wanted else { return }
    guard limit.rlim_max >= wanted else {
      throw UserError(
        .wrongUsage, at: "`connections`",
        "\(connections) connections need \(wanted) open files, and this system allows \(limit.rlim_max)",
        hint: "Give fewer, or raise the limit (ulimit -n).")
    }
    limit.rlim_cur = wanted
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
