import Foundation
import HATDistributed
import HATStorage

/// A process of a measurement, its messages kept for the case that it fails.
final class MeasurementProcess {
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

  /// Waits for the end.
  /// - Throws: `UserError` with the last messages when it failed.
  func finish() throws {
    process.waitUntilExit()
    guard process.terminationStatus != 0 else { return }
    let text = (try? String(contentsOf: messages, encoding: .utf8)) ?? ""
    throw UserError(
      .missingInput, at: name,
      "it ended with exit code \(process.terminationStatus): \(text.suffix(1000))",
      hint: "Run it alone to see what it says.")
  }
}
