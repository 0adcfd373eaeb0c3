import HAT
import HATCore
import HATKernels
import HATText
import SystemPackage
import TestSupport
import Testing

@Suite struct LoadedModelTests {
  private let folder = TemporaryFolder()

  /// A run of the baseline whose manifest states `vocabulary` tokens and the checksum of its tokenizer of 258.
  private func run(vocabulary: Int) throws -> String {
    let configuration = try Configuration(
      yaml: "model: { kind: subword, vocabulary: \(vocabulary), width: 16, head_size: 8, layers: 1 }",
      at: "test")
    var counts = WordCounts()
    for _ in 0..<9 { counts.add(Array("abab".utf8)) }
    let tokenizer = TokenizerFile(try SubwordVocabulary(learningFrom: counts, count: 258))
    let table = TensorTable(configuration.model)
    let (parameters, section) = (FloatBuffer(zeroed: table.count), StateSection.parameters(table))
    let run = folder.appending("run-\(vocabulary)")
    let store = CheckpointStore(run: FilePath(run))
    try store.begin(step: 0)
    try tokenizer.write(to: TokenizerFile.path(inRun: FilePath(run)))
    let slice = try store.writeSlice(step: 0, index: 0, ranges: [0..<table.count], sections: [section]) {
      _, _ in
      UnsafeBufferPointer(parameters.elements)
    }
    try store.commit(
      CheckpointManifest(
        step: 0, configuration: configuration, splittingRule: "whitespace-v1", maxWordBytes: 64,
        dataFingerprint: "", cursor: "", tokenizerChecksum: tokenizer.checksum, sections: [section],
        slices: [slice]),
      keep: 1)
    return run
  }

  @Test func aTokenizerOfAnotherSizeIsRefused() throws {
    #expect(try LoadedModel(run(vocabulary: 258)).tokenizer?.vocabulary.count == 258)
    let other = try run(vocabulary: 259)
    let error = #expect(throws: UserError.self) { try LoadedModel(other) }
    #expect(error?.kind == .invalidData && error?.place?.hasSuffix("tokenizer.json") == true)
  }
}
