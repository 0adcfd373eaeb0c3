import Foundation

/// Whether every rank has a core of its own.
struct CoreCheck: Check {
  static let name = "cores"

  struct Measurement: Codable {
    /// The physical cores the rank may run on, each named by its first hardware thread: `0-3,8`.
    var cores: String
    /// Physical cores of the machine.
    var machineCores: Int
    /// How many cores' time a control group gives; nil without a limit.
    var quota: Double?
  }

  func measure(on communicator: any Communicator) -> Measurement {
    Measurement(
      cores: CoreList.text(ProcessorCores.allowedCores()), machineCores: ProcessorCores.online(),
      quota: ControlGroups.processorQuota())
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let nodes = machines.nodes.ranks.map { own in
      own.map { (rank: $0, cores: CoreList.cores(ranks[$0].cores)) }
    }
    let findings = zip(nodes, machines.names).compactMap {
      crowding($0, ranks, on: $1) ?? limited($0, ranks, on: $1)
    }
    if !findings.isEmpty { return Self.fewest(findings) }
    let floating = nodes.indices.filter { Self.areUnbound(nodes[$0].map(\.cores)) }
    if !floating.isEmpty {
      return [
        worthKnowing(
          "ranks are not bound to cores of their own on \(machines.describe(nodes: floating)): two may share "
            + "one for a while",
          advice: "Bind each to a core: mpirun --bind-to core, srun --cpu-bind=cores.")
      ]
    }
    let used = nodes.map { own in own.reduce(into: Set<Int>()) { $0.formUnion($1.cores) }.count }
    let least = used.indices.min { used[$0] < used[$1] }!
    let machineCores = ranks[machines.nodes.ranks[least][0]].machineCores
    let own = nodes.contains { $0.count > 1 } ? ", each with cores of its own" : ""
    return [
      fine(
        "\(machines.summary)\(own): \(used[least]) of \(counted(machineCores, "core")) on \(machines.names[least])",
        figures: ["cores": Double(used[least]), "machine_cores": Double(machineCores)])
    ]
  }

  private typealias Own = [(rank: Int, cores: Set<Int>)]

  private func crowding(_ own: Own, _ ranks: [Measurement], on node: String) -> Finding? {
    guard own.count > 1 else { return nil }
    let cores = own.reduce(into: Set<Int>()) { $0.formUnion($1.cores) }
    let machineCores = ranks[own[0].rank].machineCores
    // Where there are cores for all, the binding is to blame.
    if own.count <= machineCores, let finding = doubled(own, of: cores, on: node) { return finding }
    return own.count > cores.count ? crowded(own, cores, machineCores, on: node) : nil
  }

  /// More ranks than cores.
  private func crowded(_ own: Own, _ cores: Set<Int>, _ machineCores: Int, on node: String) -> Finding {
    let isFull = cores.count == machineCores
    return wrong(
      "\(counted(own.count, "rank")) share \(counted(cores.count, "core")) (\(CoreList.text(cores))) on \(node)"
        + (isFull ? "" : ", which has \(machineCores)"),
      advice: (isFull
        ? "" : "Bind each rank to a core of its own (mpirun --bind-to core), or give the job more cores. ")
        + "Start no more than one rank for each core: ranks that share one wait for each other, for trials only.",
      figures: ["ranks": Double(own.count), "cores": Double(cores.count)])
  }

  /// More ranks bound to some cores than there are of these.
  private func doubled(_ own: Own, of cores: Set<Int>, on node: String) -> Finding? {
    let masks = Set(own.map(\.cores)).sorted { $0.sorted().lexicographicallyPrecedes($1.sorted()) }
    for mask in masks where mask != cores {
      let inside = own.filter { mask.isSuperset(of: $0.cores) }
      guard inside.count > mask.count else { continue }
      return wrong(
        "ranks \(Machines.list(inside.map { "\($0.rank)" })) are bound to \(counted(mask.count, "core")) "
          + "(\(CoreList.text(mask))) on \(node), while others are free",
        advice: "Bind each rank to a core of its own: mpirun --bind-to core, srun --cpu-bind=cores.",
        figures: ["ranks": Double(inside.count), "cores": Double(mask.count)])
    }
    return nil
  }

  /// A control group that gives less time than the ranks use.
  private func limited(_ own: Own, _ ranks: [Measurement], on node: String) -> Finding? {
    guard let quota = own.compactMap({ ranks[$0.rank].quota }).min(), quota < Double(own.count) else {
      return nil
    }
    return wrong(
      "a control group gives \(counted(own.count, "rank")) on \(node) the time of \(Figure.rounded(quota)) cores",
      advice:
        "Ask for as many processors as ranks (docker --cpus, a Kubernetes limit, Slurm --cpus-per-task).",
      figures: ["ranks": Double(own.count), "quota": quota])
  }

  private static func areUnbound(_ masks: [Set<Int>]) -> Bool {
    masks.count > 1
      && masks.reduce(0) { $0 + $1.count } > masks.reduce(into: Set<Int>()) { $0.formUnion($1) }.count
  }

  /// What is wrong on many machines is said of one.
  private static func fewest(_ findings: [Finding]) -> [Finding] {
    var first = findings[0]
    if findings.count > 1 {
      first.measured += ", and the like on \(counted(findings.count - 1, "other node"))"
    }
    return [first]
  }
}

/// Cores as lists such as `0-3,8`.
enum CoreList {
  static func cores(_ text: String) -> Set<Int> { Set(ProcessorCores.threads(inList: text)) }

  static func text(_ cores: some Sequence<Int>) -> String {
    var runs: [ClosedRange<Int>] = []
    for core in cores.sorted() {
      if let last = runs.last, last.upperBound + 1 == core {
        runs[runs.count - 1] = last.lowerBound...core
      } else {
        runs.append(core...core)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }
}

extension ControlGroups {
  /// How many cores' time they give this process; nil without a limit.
  static func processorQuota(root: String = "/") -> Double? {
    groups(root: root).flatMap { controllers, group -> [Double] in
      guard controllers.isEmpty || controllers.contains("cpu") else { return [] }
      let mounts =
        controllers.isEmpty
        ? ["sys/fs/cgroup", "sys/fs/cgroup/unified"] : ["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"]
      return mounts.flatMap { mount in
        ancestors(of: group).compactMap { quota("\(root)\(mount)\($0)/") }
      }
    }.min()
  }

  private static func quota(_ folder: String) -> Double? {
    // `150000 100000` or `max 100000`: microseconds of each period. Version 1 has a file for each.
    let numbers =
      KernelFile.text(folder + "cpu.max").map { $0.split(separator: " ").map { Double($0) } }
      ?? ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { KernelFile.text(folder + $0).flatMap { Double($0) } }
    guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else {
      return nil
    }
    return time / period
  }
}
