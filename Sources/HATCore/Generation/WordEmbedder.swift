import HATKernels
import HATText

/// The encoder for one word at a time: what generation needs of it.
final class WordEmbedder {
  private let encoder: WordEncoder
  private let list: WordList
  private let arena = Arena()

  private let parameters: UnsafePointer<Float>

  /// - Parameter parameters: a buffer of the model's layout, which do not change as long as this lives.
  init(
    _ model: ModelConfiguration, layout: HierarchicalLayout, parameters: UnsafePointer<Float>,
    maxWordBytes: Int
  ) {
    self.parameters = parameters
    let rows = maxWordBytes + 1
    let use = StackUse(
      shape: model.encoder, routine: .words, rows: rows, longestSegment: rows, givesLeadingRows: true)
    encoder = WordEncoder(
      model, layout: layout, words: 1, use: use, scratch: StackScratch(for: [use], arena: arena),
      arena: arena,
      kernels: ModelKernels())
    list = WordList(words: 1, wordBytes: maxWordBytes, tileRows: rows)
    arena.allocate()
    encoder.prepare(parameters)
  }

  /// Writes the embedding e of a word to `embedding` [1, D].
  func embed(_ word: [UInt8], into embedding: MatrixView) {
    var batch = Batch()
    batch.appendWord(word)
    list.batchWords.refill(count: 1, with: 0)
    list.arrange(batch)
    encoder.forward(list, of: batch, into: embedding, parameters: parameters)
  }
}
