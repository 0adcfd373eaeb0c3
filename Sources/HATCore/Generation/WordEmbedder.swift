import HATKernels
import HATText

/// The encoder for one word at a time: what generation needs of it.
final class WordEmbedder {
  private let encoder: WordEncoder
  private let list: WordList
  private let arena = Arena()

  init(_ model: ModelConfiguration, layout: ParameterLayout, maxWordBytes: Int) {
    let rows = maxWordBytes + 1
    let use = StackUse(shape: model.encoder, routine: .words, rows: rows, longestSegment: rows)
    encoder = WordEncoder(
      model, layout: layout, words: 1, use: use, scratch: StackScratch(for: [use], arena: arena), arena: arena
    )
    list = WordList(words: 1, wordBytes: maxWordBytes, tileRows: rows)
    arena.allocate()
  }

  /// Writes the embedding e of a word to `embedding` [1, D].
  func embed(_ word: [UInt8], parameters: UnsafePointer<Float>, into embedding: MatrixView) {
    var batch = Batch()
    batch.appendWord(word)
    list.batchWords.refill(count: 1, with: 0)
    list.arrange(batch)
    encoder.forward(list, of: batch, into: embedding, parameters: parameters)
  }
}
