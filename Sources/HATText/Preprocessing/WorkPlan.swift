/// How the input is divided into units of work, each written to shards of its own.
///
/// A function of the names and sizes of the input alone: neither of what is done already nor of who does it. Small
/// files lie together in a group, which is one unit. A large file, or standard input, is a group of slices of equal
/// length of its decompressed bytes; a document belongs to the slice it starts in.
struct WorkPlan {
  enum Group: Equatable {
    /// Positions in the list of inputs.
    case files(Range<Int>)
    case slices(of: Int)
  }

  let inputs: [InputFile]
  let groups: [Group]
  let sliceBytes: Int

  init(inputs: [InputFile], shardBytes: Int) {
    self.inputs = inputs
    sliceBytes = shardBytes
    groups = Self.groups(of: inputs, shardBytes: shardBytes)
  }

  private static func groups(of inputs: [InputFile], shardBytes: Int) -> [Group] {
    var groups: [Group] = []
    var (start, total) = (0, 0)
    func close(at end: Int) {
      if start < end { groups.append(.files(start..<end)) }
      (start, total) = (end, 0)
    }
    for (index, input) in inputs.enumerated() {
      let bytes = expectedBytes(input)
      if input.isStandardInput || bytes >= shardBytes {
        close(at: index)
        groups.append(.slices(of: index))
        start = index + 1
      } else {
        if total + bytes > shardBytes { close(at: index) }
        total += bytes
      }
    }
    close(at: inputs.count)
    return groups
  }

  /// Text seldom compresses better than 8 to 1, and how well is known only after reading it.
  private static func expectedBytes(_ input: InputFile) -> Int {
    input.compression == .none ? input.bytes : input.bytes * 8
  }
}

/// The name of a unit of work. Units are ordered as their documents are in the input.
struct WorkUnit: Hashable, Comparable {
  var group: Int
  var slice: Int

  static func < (left: Self, right: Self) -> Bool {
    (left.group, left.slice) < (right.group, right.slice)
  }

  /// Such as `000002-000017`.
  var name: String { "\(Self.padded(group))-\(Self.padded(slice))" }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }
}

extension WorkPlan {
  /// A record, the file it comes from and the unit it belongs to.
  struct Visit {
    var unit: WorkUnit
    var input: InputFile
    var record: InputRecord
  }

  /// Calls `body` with every record of a group, in order.
  func forEachRecord(
    ofGroup group: Int, separator: String?, _ body: (Visit, RecordReader) throws -> Void
  ) throws {
    switch groups[group] {
    case .files(let range):
      for input in inputs[range] {
        try forEachRecord(of: input, separator: separator) { record, reader in
          try body(Visit(unit: WorkUnit(group: group, slice: 0), input: input, record: record), reader)
        }
      }
    case .slices(let index):
      try forEachRecord(of: inputs[index], separator: separator) { record, reader in
        let unit = WorkUnit(group: group, slice: record.offset / sliceBytes)
        try body(Visit(unit: unit, input: inputs[index], record: record), reader)
      }
    }
  }

  private func forEachRecord(
    of input: InputFile, separator: String?, _ body: (InputRecord, RecordReader) throws -> Void
  ) throws {
    let delimiter =
      switch input.format {
      case .jsonLines: Array("\n".utf8)
      case .text: separator.map { Array($0.utf8) }
      }
    let reader = RecordReader(try input.open(), place: input.path, delimiter: delimiter)
    var isEmpty = true
    while let record = try reader.next() {
      isEmpty = false
      try body(record, reader)
    }
    if isEmpty { throw InputFile.emptyFile(input.isStandardInput ? "standard input" : input.path) }
  }
}
