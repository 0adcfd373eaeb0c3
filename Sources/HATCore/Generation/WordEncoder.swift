import HATKernels
import HATText

/// The encoder alone, one word at a time: what generation needs of it.
final class WordEncoder {
  private let model: ModelConfiguration
  private let layout: ParameterLayout
  private let arena: FloatBuffer
  private let stack: TransformerStack
  private let normalized: FloatBuffer
  private let maxWordBytes: Int

  init(_ model: ModelConfiguration, layout: ParameterLayout, maxWordBytes: Int) {
    self.model = model
    self.layout = layout
    self.maxWordBytes = maxWordBytes
    let use = StackUse(
      shape: model.encoder, routine: .words, rows: maxWordBytes + 1, longestSegment: maxWordBytes + 1)
    var plan = ArenaPlan()
    let scratch = StackScratch(for: [use], plan: &plan)
    let workspace = StackWorkspace(use, scratch: scratch, plan: &plan)
    arena = FloatBuffer(zeroed: plan.count)
    stack = TransformerStack(use, offsets: layout.encoder, workspace: workspace, arena: arena)
    normalized = FloatBuffer(zeroed: model.byteWidth)
  }

  /// Writes the embedding e of a word to `embedding` [1, D].
  func encode(_ word: [UInt8], parameters: UnsafePointer<Float>, into embedding: MatrixView) {
    precondition((1...maxWordBytes).contains(word.count))
    let weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    let symbols = ([SpecialByte.word] + word).map(Int32.init)
    let offsets: [Int32] = [0, Int32(symbols.count)]
    Vector.gatherRows(weights.byteEmbedding, indices: symbols, into: stack.input(rows: symbols.count))
    offsets.withUnsafeBufferPointer { offsets in
      stack.forward(
        segments: Segments(offsets: offsets.baseAddress!, count: 1), rows: symbols.count,
        parameters: parameters)
    }
    let mark = stack.output(rows: symbols.count).rows(0..<1)
    let output = MatrixView(normalized.base, rows: 1, columns: model.byteWidth)
    var inverseRoot: Float = 0
    RMSNorm.forward(mark, gain: weights.encoderNorm, into: output, inverseRoots: &inverseRoot)
    MatrixProduct.linear(output, weight: weights.encoderOutput, into: embedding)
  }
}
