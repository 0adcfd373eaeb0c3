import Foundation

/// The program under test, as users start it.
enum Program {
  static let path = built("hat-mpirun")

  /// A file of the same build: it lies beside the test bundle.
  static func built(_ name: String) -> String {
    let bundle = try! FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    precondition(FileManager.default.fileExists(atPath: path), "\(path) is not built")
    return path
  }

  /// The checkout this test was built from: for the presets and the sample.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  static func run(
    _ arguments: [String], input: String? = nil, timeLimit: Int = 120
  ) -> ChildProcess.Output {
    ChildProcess.run([path] + arguments, input: input, timeLimit: timeLimit)
  }

  /// What stands in front of a program to run it as so many ranks.
  static func mpirun(ranks: Int) -> [String] {
    ["mpirun", "-np", String(ranks), "--oversubscribe", "--bind-to", "none", path]
  }

  static func run(
    _ arguments: [String], input: String? = nil, ranks: Int, timeLimit: Int = 120
  ) -> ChildProcess.Output {
    ChildProcess.run(mpirun(ranks: ranks) + arguments, input: input, timeLimit: timeLimit)
  }
}
