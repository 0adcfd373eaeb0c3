import HATStorage
import SystemPackage
import Testing

@testable import HATText

/// docs/shard-format.md is enough to read what `preprocess` writes.
@Suite struct ShardPageTests {
  @Test(arguments: [(SplittingRule.whitespace, 64), (.whitespace, 300), (.fixed(4), 255), (.fixed(7), 256)])
  func aReaderWrittenFromThePageFindsEveryDocument(rule: SplittingRule, limit: Int) throws {
    let documents = TrainingStreamTests.documents(3000, seed: 80) + ["\u{0}", "größer\u{3000}語 😀\n"]
    let builder = try CorpusBuilder(documents, rule: rule, maximumWordBytes: limit) {
      ($0.shardBytes, $0.holdout) = (300_000, 0.1)
    }
    let corpus = try builder.corpus()
    var count = 0
    for part in CorpusPart.allCases {
      for shard in corpus.manifest.part(part).shards {
        let path = builder.output.appending(shard.name)
        let page = try PageReader(path: path.string)
        #expect(page.rule == rule.versionedName && page.wordLimit == limit)
        var ours: [PageReader.Document] = []
        try ShardReader(opening: path).forEachDocument {
          ours.append(PageReader.Document($0))
        }
        #expect(page.documents == ours)
        count += ours.count
      }
    }
    #expect(count == documents.count)
  }
}

extension ShardPageTests {
  @Test(arguments: [(DocumentKind.dialogues, 64), (.preferences, 64), (.dialogues, 300)])
  func aReaderWrittenFromThePageFindsEveryDialogue(kind: DocumentKind, limit: Int) throws {
    var generator = TextGenerator(seed: 81)
    let lines = kind == .dialogues ? generator.dialogueLines(2000) : generator.preferenceLines(2000)
    let builder = try CorpusBuilder(lines: lines, kind, maximumWordBytes: limit) {
      ($0.shardBytes, $0.holdout) = (300_000, 0.1)
    }
    let corpus = try builder.corpus()
    var count = 0
    for part in CorpusPart.allCases {
      for shard in corpus.manifest.part(part).shards {
        let path = builder.output.appending(shard.name)
        let page = try PageReader(path: path.string)
        #expect(page.kind == (kind == .dialogues ? 1 : 2) && page.wordLimit == limit)
        var ours: [PageReader.Document] = []
        try ShardReader(opening: path).forEachDocument { ours.append(PageReader.Document($0)) }
        #expect(page.documents == ours)
        count += ours.count
      }
    }
    #expect(count == lines.count)
  }
}

extension PageReader.Document {
  init(_ document: ShardDocument) {
    self.init(
      text: document.text, words: document.words.map { Array($0) },
      metadata: Dictionary(uniqueKeysWithValues: document.metadata.entries.map { ($0.name, $0.value) }),
      checksum: document.checksum.value,
      counts: document.wordLengths.indices.map { word in
        document.kind == .text || document.counted.contains { $0.contains(word) }
      })
  }
}
