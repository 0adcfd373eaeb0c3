import Foundation
import Glibc
import HATDistributed
import HATStorage

/// A process started for a measurement. Its messages are kept in case it fails.
final class MeasuredProcess {
  private let process = Process()
  private let output = Pipe()
  private let messages: URL
  private let name: String

  /// - Throws: `UserError` of kind `missingInput` when the program cannot be started.
  init(_ program: String, _ arguments: [String], messages: URL) throws {
    name = ([program] + arguments).joined(separator: " ")
    self.messages = messages
    _ = FileManager.default.createFile(atPath: messages.path, contents: nil)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.environment = Dictionary(
      MPIJob.cleanEnvironment(of: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }).map {
        let parts = $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
      }, uniquingKeysWith: { $1 })
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: messages)
    try process.run()
  }

  /// Standard output, to its end.
  func readOutput() -> Data { output.fileHandleForReading.readDataToEndOfFile() }

  /// Waits until it has ended.
  /// - Throws: `UserError` with the last messages when it failed.
  func finish() throws {
    process.waitUntilExit()
    guard process.terminationStatus != 0 else { return }
    let text = (try? String(contentsOf: messages, encoding: .utf8)) ?? ""
    throw UserError(
      .missingInput, at: name,
      "it ended with exit code \(process.terminationStatus): \(text.suffix(1000))",
      hint: "Run it by itself to see all it reports.")
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
