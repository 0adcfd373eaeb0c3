import HATKernels
import HATText

/// The encoder for words in no particular document, some at a time.
final class WordEmbedder {
  /// Words of a call, at most.
  static let callWords = IncrementalStack.callRows

  private let encoder: WordEncoder
  private let list: WordList
  private let arena = Arena()
  private let parameters: UnsafePointer<Float>

  /// - Parameter parameters: a buffer of the model's layout, which do not change as long as this lives.
  init(
    _ model: ModelConfiguration, layout: HierarchicalLayout, parameters: UnsafePointer<Float>,
    maxWordBytes: Int,
    kernels: ModelKernels = ModelKernels()
  ) {
    self.parameters = parameters
    let rows = WordTiling.rows(model, longestWord: maxWordBytes)
    let use = StackUse(
      shape: model.encoder, routine: .words, rows: rows, longestSegment: maxWordBytes + 1,
      givesLeadingRows: true)
    encoder = WordEncoder(
      model, layout: layout, words: Self.callWords, use: use,
      scratch: StackScratch(for: [use], arena: arena, threads: kernels.pool.threads), arena: arena,
      kernels: kernels)
    list = WordList(words: Self.callWords, wordBytes: maxWordBytes, tileRows: rows)
    arena.allocate()
    encoder.prepare(parameters)
  }

  /// Writes the embeddings e of words to `embeddings` [words, D], the same to the last bit whatever the others are.
  /// - Parameter words: at most `callWords`.
  func embed(_ words: some Collection<[UInt8]>, into embeddings: MatrixView) {
    var batch = Batch()
    list.batchWords.removeAll()
    for (index, word) in words.enumerated() {
      batch.appendWord(word)
      list.batchWords.append(Int32(index))
    }
    list.arrange(batch)
    encoder.forward(list, of: batch, into: embeddings, parameters: parameters)
  }
}
