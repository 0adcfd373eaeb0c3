/// How the input is divided into units of work, each written to shards of its own.
///
/// A function of the names and sizes of the input alone: neither of what is done already nor of who does it. Small
/// files lie together in a group, which is one unit. A large file, or standard input, is a group of slices of equal
/// length of its decompressed bytes; a document belongs to the slice it starts in. A large Parquet file is cut at rows
/// (`ParquetInput`).
struct WorkPlan {
  private enum Group {
    /// Positions in the list of inputs.
    case files(Range<Int>)
    /// A file that can be entered at any slice.
    case slices(of: Int)
    /// A file that must be read from its start.
    case stream(of: Int)
    /// A Parquet file, which can be entered at any of its rows.
    case rows(of: Int)
  }

  let inputs: [InputFile]
  private let groups: [Group]
  private let settings: PreprocessSettings
  /// On the disk, of the whole input; nil when standard input is among it.
  let inputBytes: Int?

  init(inputs: [InputFile], settings: PreprocessSettings) {
    (self.inputs, self.settings) = (inputs, settings)
    groups = Self.groups(of: inputs, settings)
    inputBytes = inputs.contains(where: \.isStandardInput) ? nil : inputs.reduce(0) { $0 + $1.bytes }
  }

  private static func groups(of inputs: [InputFile], _ settings: PreprocessSettings) -> [Group] {
    var groups: [Group] = []
    var (start, total) = (0, 0)
    func close(at end: Int) {
      if start < end { groups.append(.files(start..<end)) }
      (start, total) = (end, 0)
    }
    for (index, input) in inputs.enumerated() {
      let bytes = expectedBytes(input)
      if input.isStandardInput || bytes >= settings.shardBytes {
        close(at: index)
        groups.append(division(of: input, at: index, settings))
        start = index + 1
      } else {
        if total + bytes > settings.shardBytes { close(at: index) }
        total += bytes
      }
    }
    close(at: inputs.count)
    return groups
  }

  private static func division(of input: InputFile, at index: Int, _ settings: PreprocessSettings) -> Group {
    if input.format == .parquet { return .rows(of: index) }
    return canBeEntered(input, settings) ? .slices(of: index) : .stream(of: index)
  }

  /// Text seldom compresses better than 8 to 1, and how well is known only after reading it.
  private static func expectedBytes(_ input: InputFile) -> Int {
    input.compression == .none && input.format != .parquet ? input.bytes : input.bytes * 8
  }

  /// Whether the first record of a slice can be found without reading what is before it. A delimiter that can
  /// overlap itself, as two line feeds can, is found in other places from another start.
  private static func canBeEntered(_ input: InputFile, _ settings: PreprocessSettings) -> Bool {
    guard !input.isStandardInput, input.compression == .none,
      let delimiter = settings.delimiter(of: input.format)
    else { return false }
    return !(1..<delimiter.count).contains { delimiter.suffix($0).elementsEqual(delimiter.prefix($0)) }
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

extension WorkUnit {
  /// - Returns: nil for what is not the name of a unit.
  init?(name: some StringProtocol) {
    let numbers = name.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let group = numbers[0], let slice = numbers[1] else { return nil }
    self.init(group: group, slice: slice)
  }
}

// MARK: - Reading

/// Who is shown the records of the units of work.
protocol UnitVisitor: AnyObject {
  /// - Returns: whether the records of the unit are wanted.
  func begin(_ unit: WorkUnit) throws -> Bool
  func visit(_ record: InputRecord, of input: InputFile) throws
  /// - Parameter inputBytes: about how much of the input on the disk the unit was.
  func end(_ unit: WorkUnit, inputBytes: Int) throws
  /// Told now and then how much of the input on the disk lies before what is being read.
  func advance(to position: Int) throws
}

extension WorkPlan {
  /// Shows a visitor the units, in order.
  /// - Parameter hasStandardInput: whether this process can read it; else its units are somebody else's.
  func visit(_ visitor: some UnitVisitor, hasStandardInput: Bool) throws {
    var position = 0
    for (number, group) in groups.enumerated() {
      try visitor.advance(to: position)
      switch group {
      case .files(let range):
        try visitFiles(inputs[range], group: number, position: position, visitor)
        position += inputs[range].reduce(0) { $0 + $1.bytes }
      case .slices(let index):
        try visitSlices(inputs[index], group: number, position: position, visitor)
        position += inputs[index].bytes
      case .stream(let index):
        let input = inputs[index]
        if !input.isStandardInput || hasStandardInput {
          try visitStream(input, group: number, position: position, visitor)
        }
        position += input.bytes
      case .rows(let index):
        try visitRows(inputs[index], group: number, position: position, visitor)
        position += inputs[index].bytes
      }
    }
    try visitor.advance(to: position)
  }

  private func records(of input: InputFile) throws -> any RecordSource {
    switch input.format {
    case .parquet: try ParquetInput(input, settings).records()
    case .text, .jsonLines: try input.records(separatedBy: settings.delimiter(of: input.format))
    }
  }

  private func visitFiles(
    _ files: ArraySlice<InputFile>, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    let unit = WorkUnit(group: group, slice: 0)
    guard try visitor.begin(unit) else { return }
    var end = position
    for input in files {
      var isEmpty = true
      try forEachRecord(records(of: input), position: end, visitor) { record in
        isEmpty = false
        try visitor.visit(record, of: input)
        return true
      }
      if isEmpty && input.format != .parquet {
        guard input.bytes == 0 else { throw InputFile.emptyFile(input.place) }
        try visitor.visit(.empty, of: input)
      }
      end += input.bytes
    }
    try visitor.end(unit, inputBytes: end - position)
  }

  private func visitSlices(
    _ input: InputFile, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    for start in stride(from: 0, to: input.bytes, by: settings.shardBytes) {
      let unit = WorkUnit(group: group, slice: start / settings.shardBytes)
      guard try visitor.begin(unit) else { continue }
      let end = min(start + settings.shardBytes, input.bytes)
      let reader = try recordReader(input, from: start)
      try forEachRecord(reader, position: position + start, visitor) { record in
        guard record.offset < end else { return false }
        try visitor.visit(record, of: input)
        return true
      }
      try visitor.end(unit, inputBytes: end - start)
    }
  }

  /// What gives the records that start at `start` or after it.
  private func recordReader(_ input: InputFile, from start: Int) throws -> RecordReader {
    let delimiter = settings.delimiter(of: input.format)!
    guard start > 0 else { return try input.records(separatedBy: delimiter) }
    // The delimiter before the first record may end just before `start`.
    let reader = try input.records(separatedBy: delimiter, from: max(0, start - delimiter.count))
    _ = try reader.next()
    return reader
  }

  private func visitRows(
    _ input: InputFile, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    let rows = try ParquetInput(input, settings)
    for slice in 0..<rows.slices {
      guard try visitor.begin(WorkUnit(group: group, slice: slice)) else { continue }
      try forEachRecord(rows.records(ofSlice: slice), position: position, visitor) { record in
        try visitor.visit(record, of: input)
        return true
      }
      try visitor.end(WorkUnit(group: group, slice: slice), inputBytes: input.bytes / rows.slices)
    }
  }

  private func visitStream(
    _ input: InputFile, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    let reader = try records(of: input)
    var current: WorkUnit?
    var (isWanted, unitStart) = (false, 0)
    func close() throws {
      if let current, isWanted { try visitor.end(current, inputBytes: reader.bytesConsumed - unitStart) }
    }
    try forEachRecord(reader, position: position, visitor) { record in
      let unit = WorkUnit(group: group, slice: record.offset / settings.shardBytes)
      if unit != current {
        try close()
        (current, isWanted, unitStart) = (unit, try visitor.begin(unit), reader.bytesConsumed)
      }
      if isWanted { try visitor.visit(record, of: input) }
      return true
    }
    guard current != nil || (input.bytes == 0 && !input.isStandardInput) else {
      throw InputFile.emptyFile(input.place)
    }
    try close()
  }

  /// - Parameter body: returns whether to go on.
  private func forEachRecord(
    _ reader: some RecordSource, position: Int, _ visitor: some UnitVisitor,
    _ body: (InputRecord) throws -> Bool
  ) throws {
    var consumed = -1
    while let record = try reader.next() {
      if reader.bytesConsumed != consumed {
        consumed = reader.bytesConsumed
        try visitor.advance(to: position + consumed)
      }
      guard try body(record) else { return }
    }
  }
}
