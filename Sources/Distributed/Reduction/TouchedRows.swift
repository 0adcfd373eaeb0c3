import HATCore

/// Finds the rows of n-gram tables that any rank's gradient has touched.
///
/// A rank reads the marks of its node's ranks in shared memory. Those of another node come from the rank there that sends it
/// sums.
final class TouchedRows {
  private let communicator: any Communicator
  private let clients: [Int]
  private let senders: [Int]
  private let clock: PhaseClock
  private let united: RowMarks
  /// [senders, words]: of the other nodes.
  private let arriving: UnsafeMutableBufferPointer<UInt64>

  /// - Parameters:
  ///   - clients: the ranks of other nodes for whom this rank adds up its node's gradients.
  ///   - senders: the rank of each other node that does so for this one.
  init(
    _ tables: RowTables, communicator: any Communicator, clients: [Int], senders: [Int], clock: PhaseClock
  ) {
    (self.communicator, self.clients, self.senders, self.clock) = (communicator, clients, senders, clock)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, tables.wordCount))
    words.initialize(repeating: 0, count: max(1, tables.wordCount))
    united = RowMarks(tables, words)
    arriving = .allocate(capacity: senders.count * tables.wordCount)
    arriving.initialize(repeating: 0)
  }

  deinit {
    united.words.deallocate()
    arriving.deallocate()
  }

  /// The words of the marks of the tables in a unit, or in the whole buffer.
  func words(of partition: RankPartition) -> Range<Int> {
    let ranges = partition.ranges.lazy
    let floats = ranges.map(\.lowerBound).min()!..<ranges.map(\.upperBound).max()!
    let tables = united.tables.tables.lazy.filter { floats.contains($0.floats.lowerBound) }
    guard let first = tables.first, let last = tables.last else { return 0..<0 }
    return first.words.lowerBound..<last.words.upperBound
  }

  /// The marks that any rank has among `words`, valid until the next call. Collective.
  /// - Parameter marks: of the node's ranks, which must not change meanwhile.
  func unite(_ marks: [RowMarks], _ words: Range<Int>) throws -> RowMarks {
    for word in words { united.words[word] = marks.reduce(0) { $0 | $1.words[word] } }
    if senders.isEmpty || words.isEmpty { return united }
    let own = UnsafeRawBufferPointer(
      UnsafeBufferPointer(start: united.words + words.lowerBound, count: words.count))
    try clock.during(.exchange) {
      try communicator.transfer(
        sending: clients.map { OutgoingMessage(to: $0, own) },
        receiving: senders.enumerated().map {
          IncomingMessage(
            from: $0.element,
            UnsafeMutableRawBufferPointer(start: row($0.offset, words), count: own.count))
        })
    }
    for sender in senders.indices {
      let row = row(sender, words)
      for word in words { united.words[word] |= row[word - words.lowerBound] }
    }
    return united
  }

  private func row(_ sender: Int, _ words: Range<Int>) -> UnsafeMutablePointer<UInt64> {
    arriving.baseAddress! + sender * words.count
  }
}
