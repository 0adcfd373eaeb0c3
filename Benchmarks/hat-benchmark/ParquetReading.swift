import ArgumentParser
import Glibc
import HATParquet
import HATStorage
import HATTerminal
import SystemPackage

/// How fast a column of a Parquet file becomes text in memory.
struct ParquetReading: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parquet",
    abstract: "Measure reading one column of a Parquet file, on one core.",
    discussion: """
      From a file that has been read once before to every value of the column in memory, in seconds of processor time. \
      Reported are the median of several runs, the slowest and the fastest. `Benchmarks/parquet` compares it with pyarrow.
      """)

  @Option(help: "The column.")
  var field = "text"

  @Option(help: "Runs.")
  var runs = 5

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  @Argument(help: "A Parquet file.")
  var file: String

  func validate() throws {
    guard runs >= 1 else { throw ValidationError("--runs must be at least 1.") }
  }

  func run() throws {
    _ = try read()
    let results = try (0..<runs).map { _ in try read() }
    let rates = results.map { Double($0.bytes) / $0.seconds }.sorted()
    let report = Report(
      stage: "parquet", values: results[0].values, bytes: results[0].bytes,
      bytesPerSecond: rates[rates.count / 2], slowest: rates.first!, fastest: rates.last!, runs: runs)
    if json { return try JSONOutput.print(report) }
    print(
      "\(Amount.grouped(report.values)) values, \(Amount.bytes(report.bytes)): \(Amount.bytes(Int(report.bytesPerSecond)))/s "
        + "(\(Amount.bytes(Int(report.slowest))) to \(Amount.bytes(Int(report.fastest))) in \(runs) runs)")
  }

  private func read() throws -> (values: Int, bytes: Int, seconds: Double) {
    let started = Self.processorSeconds
    let parquet = try ParquetFile(opening: FilePath(file))
    guard let column = parquet.column(named: field) else {
      throw UserError(
        .invalidData, at: file, "there is no column \"\(field)\"",
        hint: "It has: \(parquet.columns.map(\.path).joined(separator: ", ")).")
    }
    let reader = try parquet.reader(of: column)
    var (values, bytes) = (0, 0)
    for group in parquet.rowGroups.indices {
      try reader.enter(rowGroup: group)
      while try reader.nextPage() {
        for _ in reader.pageRows {
          guard let value = try reader.nextValue() else { continue }
          values += 1
          bytes += value.count
        }
      }
    }
    return (values, bytes, Self.processorSeconds - started)
  }

  /// Others on the same core do not count.
  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private struct Report: Encodable {
    var stage: String
    /// That are not null.
    var values: Int
    /// Of text.
    var bytes: Int
    /// The median.
    var bytesPerSecond: Double
    var slowest: Double
    var fastest: Double
    var runs: Int
  }
}
