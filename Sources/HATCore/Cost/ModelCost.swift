import HATText

/// Floating-point operations of the model's matrix products, counted densely: the plain algorithm of docs/model.md, a
/// multiply-add as two, causal attention as its lower triangle, no saving subtracted.
public struct ModelCost: Sendable {
  /// Training is one forward pass and two products for each in the backward pass.
  public static let trainingPasses = 3.0

  private let model: ModelConfiguration

  public init(_ model: ModelConfiguration) { self.model = model }

  /// Forward FLOPs of encoding a word of `bytes` bytes.
  public func encoding(wordOfBytes bytes: Double) -> Double {
    let rows = bytes + 1
    let scores = 4 * Double(model.encoder.queryWidth) * rows * rows
    return rows * model.encoder.productFLOPs + Double(model.encoderLayers) * scores
      + 2 * Double(model.width * model.byteWidth)
  }

  /// Forward FLOPs of the backbone over a document piece of `words` input words.
  public func predicting(pieceOfWords words: Double) -> Double {
    words * model.backbone.productFLOPs + Double(model.layers) * model.backbone.causalScoreFLOPs(rows: words)
  }

  /// Forward FLOPs of spelling a word at `positions` target positions.
  public func decoding(wordOfPositions positions: Double) -> Double {
    positions * (model.decoder.productFLOPs + 2 * 256 * Double(model.byteWidth))
      + Double(model.decoderLayers) * model.decoder.causalScoreFLOPs(rows: positions)
      + 2 * Double(model.width * model.byteWidth)
  }

  /// Forward FLOPs of a batch. Words that do not count are not spelled.
  public func forward(_ batch: Batch) -> Double {
    var total = 0.0
    for piece in 0..<batch.pieceCount {
      let words = batch.wordRange(ofPiece: piece)
      total += predicting(pieceOfWords: Double(words.count - 1))
      for word in words.dropLast() {
        total += encoding(wordOfBytes: Double(batch.byteRange(ofWord: word).count))
      }
      for word in words.dropFirst() where batch.counts(word) {
        let bytes = batch.byteRange(ofWord: word).count
        total += decoding(wordOfPositions: Double(batch.isMark(word) ? 1 : bytes + 1))
      }
    }
    return total
  }

  /// Forward FLOPs for a byte of text of words of `bytesPerWord` bytes in pieces of `pieceWords` words.
  public func forwardPerByte(bytesPerWord: Double, pieceWords: Double) -> Double {
    let perWord =
      encoding(wordOfBytes: bytesPerWord) + predicting(pieceOfWords: pieceWords) / pieceWords
      + decoding(wordOfPositions: bytesPerWord + 1)
    return perWord / bytesPerWord
  }
}

/// Floating-point operations of the baseline's matrix products, counted as in `ModelCost`.
public struct SubwordCost: Sendable {
  private let model: ModelConfiguration

  public init(_ model: ModelConfiguration) {
    precondition(model.kind == .subword)
    self.model = model
  }

  /// Forward FLOPs of a document piece of that many tokens, the head included; looking up an embedding is free.
  public func predicting(pieceOfTokens tokens: Double) -> Double {
    tokens * (model.backbone.productFLOPs + 2 * Double(model.vocabulary * model.width))
      + Double(model.layers) * model.backbone.causalScoreFLOPs(rows: tokens)
  }

  /// Forward FLOPs of a batch.
  public func forward(_ batch: TokenBatch) -> Double {
    (0..<batch.pieceCount).reduce(0) {
      $0 + predicting(pieceOfTokens: Double(batch.tokenRange(ofPiece: $1).count))
    }
  }

  /// Forward FLOPs for a byte of text of tokens of `bytesPerToken` bytes in pieces of `pieceTokens` tokens.
  public func forwardPerByte(bytesPerToken: Double, pieceTokens: Double) -> Double {
    predicting(pieceOfTokens: pieceTokens) / pieceTokens / bytesPerToken
  }
}

extension StackShape {
  /// Parameters in one block's matrices, its norms left out.
  public var blockMatrixParameters: Int {
    width * queryKeyValueWidth + queryWidth * width + 3 * width * mlpHidden
  }

  /// FLOPs of all blocks' matrices for one row.
  var productFLOPs: Double { 2 * Double(layers * blockMatrixParameters) }

  /// FLOPs of scores and weighted values of one block over a segment, lower triangle.
  func causalScoreFLOPs(rows: Double) -> Double { 4 * Double(queryWidth) * rows * (rows + 1) / 2 }
}

/// The number of parameters of a module (docs/model.md §7).
public struct ModuleParameters: Sendable {
  public let name: String
  public let count: Int

  /// The modules, by what the names of their tensors begin with, in the order of the table: byte embedding, encoder,
  /// backbone, decoder; for the baseline token embedding, backbone, head. A module includes its projection.
  public static func all(of table: TensorTable) -> [ModuleParameters] {
    table.tensors.reduce(into: []) { modules, tensor in
      let name = String(tensor.name.prefix { $0 != "." })
      let before = modules.last?.name == name ? modules.removeLast().count : 0
      modules.append(ModuleParameters(name: name, count: before + tensor.range.count))
    }
  }
}
