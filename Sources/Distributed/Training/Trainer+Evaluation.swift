import HATCore

extension Trainer {
  /// Evaluates the model on held-out text and writes a line to evaluations.jsonl.
  func evaluate() throws {
    log.begin(.evaluation, step: step)
    let batches = try heldOutBatches()
    let count = batches.counts.reduce(0, +)
    guard count > 0 else { return }
    let own = try batches.owned.map { try model.loss($0, parameters) }
    if batches.owned.count * communicator.size < count { try parameters.takePartInForwardPass() }
    let gathered = try own.withUnsafeBytes { try communicator.allGather($0) }
    let sums = inOrder(gathered, count: count)
    let sum = sums.reduce(LossSum(), +)
    let corpora = sumsOfCorpora(sums, counts: batches.counts)
    try record(sum, corpora: corpora)
    observe(.evaluated(step: step, sum, corpora: corpora))
  }

  private func record(_ sum: LossSum, corpora: [LossSum]) throws {
    guard let folder else { return }
    line.begin()
    line.add("step", step)
    line.add("loss", sum.loss)
    line.add("bits_per_byte", sum.bitsPerByte)
    line.add("byte_accuracy", sum.byteAccuracy)
    line.add("word_accuracy", sum.wordAccuracy)
    line.add("text_bytes", sum.textBytes)
    line.add("words", sum.words)
    if sum.pairs > 0 {
      line.add("preference_accuracy", sum.preferenceAccuracy)
      line.add("preference_reward", sum.meanReward)
      line.add("pairs", sum.pairs)
    }
    if corpora.count > 1 { line.add("corpora_bits_per_byte", corpora.map(\.bitsPerByte)) }
    line.end()
    try folder.evaluations.append(line)
  }

  private func sumsOfCorpora(_ sums: [LossSum], counts: [Int]) -> [LossSum] {
    var rest = sums[...]
    return counts.map { count in
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reduce(LossSum(), +)
    }
  }

  /// Sorts the ranks' sums by micro-batch, so that their total is the same for any number of ranks.
  private func inOrder(_ gathered: [[UInt8]], count: Int) -> [LossSum] {
    let byRank = gathered.map { bytes in
      bytes.withUnsafeBytes { raw in
        let stride = MemoryLayout<LossSum>.stride
        return (0..<raw.count / stride).map {
          raw.loadUnaligned(fromByteOffset: $0 * stride, as: LossSum.self)
        }
      }
    }
    return (0..<count).map { byRank[$0 % communicator.size][$0 / communicator.size] }
  }

  private func heldOutBatches() throws -> HeldOut<Source.MicroBatch> {
    if let heldOut { return heldOut }
    let (rank, size) = (communicator.rank, communicator.size)
    var batches = try communicator.together { try source.heldOut { $0 % size == rank } }
    for index in batches.owned.indices { references.complete(&batches.owned[index]) }
    if batches.counts.allSatisfy({ $0 == 0 }) {
      observe(.note("the corpus has no held-out documents: no evaluations"))
    }
    heldOut = batches
    return batches
  }
}
