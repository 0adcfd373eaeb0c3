import HATKernels
import HATText

/// Writes text with a trained model: the decoder spells a word byte by byte until `[W]`, the encoder reads it back,
/// the backbone predicts the next, until `[S]`.
///
/// Only bytes that keep the text valid UTF-8 are drawn, and words stay within the limit the model was trained with.
/// When the context is full its older half is dropped, and the rest read again like the continuation piece of a
/// document.
public final class TextGenerator {
  /// Why generation ended.
  public enum End: Sendable, Equatable {
    /// The model closed the document.
    case documentMark
    /// As many bytes as asked for.
    case limit
  }

  private let model: ModelConfiguration
  private let layout: HierarchicalLayout
  private let parameters: UnsafePointer<Float>
  private let maxWordBytes: Int
  private let embedder: WordEmbedder
  private let backbone: IncrementalStack
  private let decoder: IncrementalStack
  private let weights: ModelMatrices
  /// The words the backbone has read, for when the context is full.
  private var context: [[UInt8]] = []
  /// [1, D], predictive embedding h of the next word.
  private let predictive: FloatBuffer
  private let backboneRow: FloatBuffer
  private let decoderRow: FloatBuffer
  private let decoded: FloatBuffer
  private let logits: FloatBuffer

  /// - Parameters:
  ///   - parameters: a buffer of the model's layout, which must outlive the generator
  ///   - contextWords: words the backbone was trained to see, at least 2
  public init(
    _ model: ModelConfiguration, parameters: UnsafePointer<Float>, contextWords: Int, maxWordBytes: Int
  ) {
    self.model = model
    self.parameters = parameters
    self.maxWordBytes = maxWordBytes
    layout = HierarchicalLayout(model)
    embedder = WordEmbedder(model, layout: layout, parameters: parameters, maxWordBytes: maxWordBytes)
    backbone = IncrementalStack(
      model.backbone, offsets: layout.backbone, parameters: parameters, positions: max(2, contextWords))
    decoder = IncrementalStack(
      model.decoder, offsets: layout.decoder, parameters: parameters, positions: maxWordBytes + 1)
    weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    predictive = FloatBuffer(zeroed: model.width)
    backboneRow = FloatBuffer(zeroed: model.width)
    decoderRow = FloatBuffer(zeroed: model.byteWidth)
    decoded = FloatBuffer(zeroed: model.byteWidth)
    logits = FloatBuffer(zeroed: 256)
  }

  /// Continues a document.
  /// - Parameters:
  ///   - words: the beginning of the document, split by the model's rule; its last word may turn out longer
  ///   - byteLimit: bytes to write, at most; a scalar that would exceed it is not begun
  ///   - write: takes the bytes of one scalar at a time
  public func generate(
    after words: [[UInt8]], byteLimit: Int, sampler: inout Sampler, write: ([UInt8]) throws -> Void
  ) rethrows -> End {
    startDocument()
    for word in words.dropLast() { read(word) }

    var written = 0
    var given = words.last ?? []
    while true {
      let word = try spell(beginning: given, written: &written, byteLimit: byteLimit, &sampler, write)
      switch word {
      case .complete(let bytes): read(bytes)
      case .documentMark: return .documentMark
      case .cutShort: return .limit
      }
      given = []
    }
  }

  private enum Spelling {
    case complete([UInt8])
    case documentMark
    case cutShort
  }

  /// Spells one word, of which `given` is already known.
  private func spell(
    beginning given: [UInt8], written: inout Int, byteLimit: Int, _ sampler: inout Sampler,
    _ write: ([UInt8]) throws -> Void
  ) rethrows -> Spelling {
    var word = given
    var prefix = UTF8Prefix()
    startWord()
    for byte in given { appendToWord(byte) }
    while true {
      if written >= byteLimit && prefix.isAtBoundary { return .cutShort }
      let (length, rest) = (word.count, byteLimit - written)
      let symbol = sampler.next(logitsOfNextByte()) { byte in
        switch byte {
        case SpecialByte.word: length > 0 && prefix.isAtBoundary
        case SpecialByte.document: length == 0
        default:
          prefix.allows(byte) && (!prefix.isAtBoundary || self.fits(byte, after: length, within: rest))
        }
      }
      if symbol == SpecialByte.word { return .complete(word) }
      if symbol == SpecialByte.document { return .documentMark }
      word.append(symbol)
      prefix.append(symbol)
      written += 1
      if prefix.isAtBoundary { try write(lastScalar(of: word)) }
      appendToWord(symbol)
    }
  }

  /// Whether the scalar that `byte` starts ends within the word's limit and the text's.
  private func fits(_ byte: UInt8, after length: Int, within rest: Int) -> Bool {
    guard let size = UTF8Prefix.length(ofScalarStartingWith: byte) else { return false }
    return length + size <= maxWordBytes && size <= rest
  }

  private func lastScalar(of word: [UInt8]) -> [UInt8] {
    let start = word.lastIndex { UTF8Prefix.length(ofScalarStartingWith: $0) != nil }!
    return Array(word[start...])
  }
}

extension TextGenerator {
  package func startDocument() {
    context = []
    backbone.reset()
    read([SpecialByte.document])
  }

  /// Appends a word to what the backbone has read.
  package func read(_ word: [UInt8]) {
    if backbone.isFull {
      let kept = context.suffix(context.count / 2)
      context = []
      backbone.reset()
      for word in kept { read(word) }
    }
    context.append(word)
    let row = view(backboneRow)
    embedder.embed(word, into: row)
    backbone.append(row)
    var inverseRoot: Float = 0
    RMSNorm.forward(row, gain: weights.backboneNorm, into: view(predictive), inverseRoots: &inverseRoot)
  }

  /// Begins the word after those read.
  package func startWord() {
    decoder.reset()
    MatrixProduct.linear(view(predictive), weight: weights.decoderInput, into: view(decoderRow))
    decoder.append(view(decoderRow))
  }

  package func appendToWord(_ byte: UInt8) {
    view(decoderRow).copy(weights.byteEmbedding.rows(Int(byte)..<Int(byte) + 1))
    decoder.append(view(decoderRow))
  }

  /// [V], valid until the next byte.
  package func logitsOfNextByte() -> UnsafeBufferPointer<Float> {
    var inverseRoot: Float = 0
    RMSNorm.forward(
      view(decoderRow), gain: weights.decoderNorm, into: view(decoded), inverseRoots: &inverseRoot)
    MatrixProduct.linear(view(decoded), weight: weights.decoderHead, into: view(logits))
    return UnsafeBufferPointer(start: logits.base, count: logits.count)
  }

  private func view(_ buffer: FloatBuffer) -> MatrixView {
    MatrixView(buffer.base, rows: 1, columns: buffer.count)
  }
}
