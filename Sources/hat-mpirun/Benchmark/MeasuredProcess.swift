import Foundation
import Glibc
import HATDistributed
import HATStorage

/// A process started for a measurement, which ends with this one. Its messages are kept in case it fails.
final class MeasuredProcess {
  private let process: ChildProcess

  /// - Throws: `UserError` of kind `missingInput` when the program cannot be started.
  init(_ program: String, _ arguments: [String]) throws {
    process = try ChildProcess(program, arguments: arguments)
  }

  /// Waits until it has ended.
  /// - Returns: its standard output.
  /// - Throws: `SharedError` with what it has said, and its exit code, when it failed.
  func output() throws -> Data {
    var (output, messages) = (Data(), Data())
    let code = process.wait {
      switch $0 {
      case .output(let bytes): output += bytes
      case .error(let bytes): messages += bytes
      }
    } attend: {
    }
    guard code != 0 else { return output }
    throw Self.failure(code, String(decoding: messages, as: UTF8.self))
  }

  /// The error that it has reported; where it could not, the last that it said.
  private static func failure(_ code: Int32, _ messages: String) -> SharedError {
    let lines = messages.split(whereSeparator: \.isNewline)
    guard let error = lines.last(where: { $0.hasPrefix("error: ") }) else {
      return SharedError(
        exitCode: SharedError.faultExitCode,
        description:
          "a measured process ended with exit code \(code): \(lines.suffix(3).joined(separator: " "))")
    }
    return SharedError(exitCode: code, description: String(error.dropFirst("error: ".count)))
  }
}

/// The resident memory of this process.
enum ResidentMemory {
  /// The most it had at once, in bytes; pages that several ranks share are divided by their number.
  ///
  /// A step frees nothing, so what is shared now was shared at the peak. The other ranks must still be running.
  static func peak() throws -> Int {
    let rollup = try String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let countedForOthers = kibibytes(of: "Rss", in: rollup) - kibibytes(of: "Pss", in: rollup)
    return (usage.ru_maxrss - countedForOthers) * 1024
  }

  private static func kibibytes(of name: String, in rollup: String) -> Int {
    let line = rollup.split(separator: "\n").first { $0.hasPrefix("\(name):") }
    guard let value = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      preconditionFailure("smaps_rollup has a line \(name)")
    }
    return value
  }
}
