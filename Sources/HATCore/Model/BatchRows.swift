import HATKernels
import HATText

/// A batch laid out as the rows of the three modules. Filled anew for each batch, without allocating.
final class BatchRows {
  /// What the encoder's rows stand for: `[W]`, then the bytes of the input word.
  let encoderSymbols: FixedList<Int32>
  /// [words + 1]: where each input word's rows start.
  let encoderOffsets: FixedList<Int32>
  /// What the decoder's rows stand for; a `[W]` in place of the first row, which is a predictive embedding.
  let decoderSymbols: FixedList<Int32>
  /// [words + 1]: where each target word's rows start.
  let decoderOffsets: FixedList<Int32>
  /// What each decoder row predicts.
  let targets: FixedList<UInt8>
  /// [pieces + 1]: where each piece's backbone rows start.
  let backboneOffsets: FixedList<Int32>

  init(capacity: BatchCapacity) {
    encoderSymbols = FixedList(capacity: capacity.encoderRows)
    encoderOffsets = FixedList(capacity: capacity.words + 1)
    decoderSymbols = FixedList(capacity: capacity.decoderRows)
    decoderOffsets = FixedList(capacity: capacity.words + 1)
    targets = FixedList(capacity: capacity.decoderRows)
    backboneOffsets = FixedList(capacity: capacity.words + 1)
  }

  /// Input words, and as many target words.
  var words: Int { encoderOffsets.count - 1 }

  var inputWords: Segments { Segments(offsets: encoderOffsets.base, count: words) }
  var targetWords: Segments { Segments(offsets: decoderOffsets.base, count: words) }
  var pieces: Segments { Segments(offsets: backboneOffsets.base, count: backboneOffsets.count - 1) }

  func fill(from batch: Batch) {
    for list in [encoderSymbols, decoderSymbols] { list.removeAll() }
    targets.removeAll()
    for offsets in [encoderOffsets, decoderOffsets, backboneOffsets] {
      offsets.removeAll()
      offsets.append(0)
    }
    for piece in 0..<batch.pieceCount {
      let words = batch.wordRange(ofPiece: piece)
      for word in words.dropLast() { appendInput(batch.bytes[batch.byteRange(ofWord: word)]) }
      for word in words.dropFirst() {
        appendTarget(batch.bytes[batch.byteRange(ofWord: word)], isDocumentMark: batch.isDocumentMark(word))
      }
      backboneOffsets.append(Int32(self.words))
    }
  }

  private func appendInput(_ word: ArraySlice<UInt8>) {
    encoderSymbols.append(Int32(SpecialByte.word))
    for byte in word { encoderSymbols.append(Int32(byte)) }
    encoderOffsets.append(Int32(encoderSymbols.count))
  }

  private func appendTarget(_ word: ArraySlice<UInt8>, isDocumentMark: Bool) {
    decoderSymbols.append(Int32(SpecialByte.word))
    targets.append(contentsOf: word)
    // The closing [S] is one position: that it ends is not predicted (model.md §4).
    if !isDocumentMark {
      for byte in word { decoderSymbols.append(Int32(byte)) }
      targets.append(SpecialByte.word)
    }
    decoderOffsets.append(Int32(decoderSymbols.count))
  }
}
