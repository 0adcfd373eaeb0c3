import HATText

extension CorpusManifest {
  /// Of all shards.
  var compressedBytes: Int {
    (train.shards + holdout.shards).reduce(0) { $0 + $1.fileBytes }
  }
}

/// What a corpus holds, as a small table.
enum CorpusTable {
  static func show(_ manifest: CorpusManifest) {
    let settings = manifest.settings
    print(
      "rule      \(settings.splitter.rule.name), words of up to \(settings.splitter.maximumWordBytes) bytes")
    for part in CorpusPart.allCases { print(row(part, manifest.part(part))) }
    let bytes = manifest.train.counts.bytes + manifest.holdout.counts.bytes
    let share = Amount.fixed(100 * Double(manifest.compressedBytes) / Double(max(bytes, 1)), 1)
    print("on disk   \(Amount.bytes(manifest.compressedBytes)), \(share)% of the text")
    print("data      \(manifest.dataFingerprint.hexadecimal)")
  }

  private static func row(_ part: CorpusPart, _ content: CorpusManifest.Part) -> String {
    let counts = content.counts
    let name = part.rawValue + String(repeating: " ", count: 10 - part.rawValue.count)
    let perWord = Amount.fixed(Double(counts.bytes) / Double(max(counts.words, 1)), 2)
    return name + "\(Amount.grouped(counts.documents)) documents, \(Amount.grouped(counts.words)) words, "
      + "\(Amount.grouped(counts.bytes)) bytes (\(perWord) a word), \(content.shards.count) shard\(content.shards.count == 1 ? "" : "s")"
  }
}
