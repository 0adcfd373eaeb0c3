import HATCore
import HATKernels
import HATStorage

/// Whether all ranks run the same program with the same MPI library.
struct BuildCheck: Check {
  static let name = "build"

  struct Measurement: Codable {
    var version: String
    /// Of the program; nil if it cannot be read.
    var checksum: String?
    /// What the MPI library says of itself.
    var library: String
  }

  func measure(on communicator: any Communicator) -> Measurement {
    Measurement(
      version: CodeVersion.current, checksum: RunDescription.checksumOfProgram?.hexadecimal,
      library: MPIRelease.ofLibrary())
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let programs = Self.groups(ranks.map { "hat \($0.version), \($0.checksum ?? "unreadable")" })
    let libraries = Self.groups(ranks.map(\.library))
    var findings: [Finding] = []
    if programs.count > 1 {
      findings.append(
        wrong(
          "the ranks run \(programs.count) different programs: "
            + Self.describe(programs.map { ($0.value, $0.ranks) }, machines),
          advice:
            "Install the same build at the same path on every machine, or start one that all machines see."))
    }
    if libraries.count > 1 {
      findings.append(
        wrong(
          "the ranks have \(libraries.count) different MPI libraries: "
            + Self.describe(libraries.map { (MPIRelease($0.value).text, $0.ranks) }, machines),
          advice: "Load the same MPI on every machine (module load, LD_LIBRARY_PATH)."))
    }
    guard findings.isEmpty else { return findings }
    return [
      fine(
        "hat \(ranks[0].version)" + (ranks.count > 1 ? ", the same program on all ranks" : "") + "; "
          + MPIRelease(ranks[0].library).text)
    ]
  }

  private static func describe(_ groups: [(value: String, ranks: [Int])], _ machines: Machines) -> String {
    Machines.list(groups.map { "\($0.value) on \(machines.describe(ranks: $0.ranks))" })
  }

  /// Ranks with the same value, the lowest first.
  static func groups<Value: Hashable>(_ values: [Value]) -> [(value: Value, ranks: [Int])] {
    Dictionary(grouping: values.indices) { values[$0] }
      .map { (value: $0.key, ranks: $0.value) }.sorted { $0.ranks[0] < $1.ranks[0] }
  }
}

/// Whether hat runs on every rank's processor, and computes alike on all.
struct ProcessorCheck: Check {
  static let name = "processor"

  struct Measurement: Codable {
    var model: String
    /// An instruction set that hat needs and the processor lacks.
    var missing: String?
    var hasWideRegisters: Bool
    var hasMatrixTiles: Bool
  }

  func measure(on communicator: any Communicator) -> Measurement {
    Measurement(
      model: Self.model(), missing: Processor.missingFeature(),
      hasWideRegisters: Registers.widest == .sixteenFloats, hasMatrixTiles: Processor.hasMatrixTiles)
  }

  static func model(root: String = "/") -> String {
    let lines = KernelFile.lines(root + "proc/cpuinfo")
    let line = lines.first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last.map { KernelFile.trimmed($0) }
      ?? "unknown processor"
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let unable = ranks.indices.filter { ranks[$0].missing != nil }
    guard unable.isEmpty else {
      return [
        wrong(
          "no \(ranks[unable[0]].missing!) on \(machines.describe(ranks: unable))",
          advice: "Use machines with AVX2, FMA and F16C.")
      ]
    }
    let without = ranks.indices.filter { !ranks[$0].hasMatrixTiles }
    if !without.isEmpty && without.count < ranks.count {
      return [
        worthKnowing(
          "no matrix tiles (AMX) on \(machines.describe(ranks: without)): no rank uses them",
          advice: "A job on machines with tiles only may train up to 1.4 times as fast.")
      ]
    }
    let models = BuildCheck.groups(ranks.map(\.model))
    if models.count > 1 {
      let list = models.map { "\($0.value) on \(machines.describe(ranks: $0.ranks))" }
      return [
        worthKnowing(
          "different processors: \(Machines.list(list))",
          advice: "Results are the same; the fastest wait for the slowest. `benchmark train` measures each.")
      ]
    }
    let registers = ranks.allSatisfy(\.hasWideRegisters) ? "AVX-512" : "AVX2"
    return [
      fine("\(ranks[0].model): \(registers)" + (without.isEmpty ? ", matrix tiles (AMX)" : ""))
    ]
  }
}
