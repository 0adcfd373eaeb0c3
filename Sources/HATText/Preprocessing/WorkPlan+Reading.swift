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
      }
    }
    try visitor.advance(to: position)
  }

  private func visitFiles(
    _ files: ArraySlice<InputFile>, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    let unit = WorkUnit(group: group, slice: 0)
    guard try visitor.begin(unit) else { return }
    var end = position
    for input in files {
      let reader = RecordReader(
        try input.open(), place: input.path, delimiter: settings.delimiter(of: input.format))
      var isEmpty = true
      try forEachRecord(reader, position: end, visitor) { record in
        isEmpty = false
        try visitor.visit(record, of: input)
        return true
      }
      if isEmpty { throw InputFile.emptyFile(input.path) }
      end += input.bytes
    }
    try visitor.end(unit, inputBytes: end - position)
  }

  private func visitSlices(
    _ input: InputFile, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    for start in stride(from: 0, to: input.bytes, by: sliceBytes) {
      let unit = WorkUnit(group: group, slice: start / sliceBytes)
      guard try visitor.begin(unit) else { continue }
      let end = min(start + sliceBytes, input.bytes)
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
    guard start > 0 else { return RecordReader(try input.open(), place: input.path, delimiter: delimiter) }
    // The delimiter before the first record may end just before `start`.
    let origin = max(0, start - delimiter.count)
    let reader = RecordReader(
      try input.open(at: origin), place: input.path, delimiter: delimiter, startingAt: origin)
    _ = try reader.next()
    return reader
  }

  private func visitStream(
    _ input: InputFile, group: Int, position: Int, _ visitor: some UnitVisitor
  ) throws {
    let place = input.isStandardInput ? "standard input" : input.path
    let reader = RecordReader(
      try input.open(), place: place, delimiter: settings.delimiter(of: input.format))
    var current: WorkUnit?
    var (isWanted, unitStart) = (false, 0)
    func close() throws {
      if let current, isWanted { try visitor.end(current, inputBytes: reader.bytesConsumed - unitStart) }
    }
    try forEachRecord(reader, position: position, visitor) { record in
      let unit = WorkUnit(group: group, slice: record.offset / sliceBytes)
      if unit != current {
        try close()
        (current, isWanted, unitStart) = (unit, try visitor.begin(unit), reader.bytesConsumed)
      }
      if isWanted { try visitor.visit(record, of: input) }
      return true
    }
    guard current != nil else { throw InputFile.emptyFile(place) }
    try close()
  }

  /// - Parameter body: returns whether to go on.
  private func forEachRecord(
    _ reader: RecordReader, position: Int, _ visitor: some UnitVisitor, _ body: (InputRecord) throws -> Bool
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
