import HATText

/// One walk through the model on one tape.
final class OraclePass {
  let tape = OracleTape()
  let shape: OracleShape
  let parameters: [String: OracleTensor]

  convenience init(_ model: OracleModel) {
    self.init(shape: model.shape, model.parameters)
  }

  init(shape: OracleShape, _ parameters: OracleParameters) {
    self.shape = shape
    self.parameters = parameters.tensors.mapValues { tensor in
      let rows = tensor.shape.count == 1 ? 1 : tensor.shape[0]
      return OracleTensor(rows: rows, columns: tensor.shape.last!, tensor.values)
    }
  }

  func parameter(_ name: String) -> OracleTensor {
    parameters[name]!
  }
}

/// What one piece of a document gives.
struct OraclePiece {
  /// Each [1, D].
  var embeddings: [OracleTensor]
  /// [input words, D].
  var outputs: OracleTensor
  /// Each [positions, d].
  var decoderInputs: [OracleTensor]
  /// Each [positions, 256].
  var logits: [OracleTensor]
  /// By target word and position.
  var targets: [[UInt8]]
  /// [positions of all target words, 1].
  var losses: OracleTensor
}

/// Whether a word is a mark: of a document, or of a dialogue.
private func isMark(_ word: [UInt8]) -> Bool { word.count == 1 && 0xF5...0xFE ~= word[0] }

extension OraclePass {
  func piece(_ index: Int, of batch: Batch) -> OraclePiece {
    let words = batch.wordRange(ofPiece: index).map { Array(batch.bytes[batch.byteRange(ofWord: $0)]) }
    let embeddings = words.dropLast().map(wordEmbedding)
    let outputs = stack(.backbone, tape.stackRows(embeddings))
    let targets = words.dropFirst().map { isMark($0) ? $0 : $0 + [SpecialByte.word] }
    let inputs = words.dropFirst().enumerated().map {
      decoderInput($1, behind: words[$0], after: tape.gatherRows(outputs, [$0]))
    }
    let logits = inputs.map {
      tape.multiplyTransposed(stack(.decoder, $0), parameter("decoder.head.weight"))
    }
    let losses = zip(logits, targets).map { tape.crossEntropy($0, targets: $1) }
    return OraclePiece(
      embeddings: embeddings, outputs: outputs, decoderInputs: inputs, logits: logits, targets: targets,
      losses: tape.stackRows(losses))
  }

  /// [1, D]: what the encoder makes of `[W]` in front of a word.
  private func wordEmbedding(_ word: [UInt8]) -> OracleTensor {
    let opening = tape.gatherRows(parameter("byte_embedding.weight"), [Int(SpecialByte.word)])
    let input = tape.stackRows([opening, byteRows(word, .encoder)])
    let mark = tape.gatherRows(stack(.encoder, input), [0])
    return tape.multiplyTransposed(mark, parameter("encoder.output_proj.weight"))
  }

  /// [positions, d]: W_D·h and, but for a mark, the word's bytes.
  private func decoderInput(
    _ word: [UInt8], behind previous: [UInt8], after output: OracleTensor
  ) -> OracleTensor {
    let first = tape.multiplyTransposed(output, parameter("decoder.input_proj.weight"))
    let spelled = isMark(word) ? [] : word
    let rows = spelled.isEmpty ? first : tape.stackRows([first, byteRows(spelled, .decoder)])
    return addPrefixes(of: spelled.map(Int.init), behind: previous.map(Int.init), to: rows)
  }

  /// [bytes, d]
  private func byteRows(_ word: [UInt8], _ module: OracleModule) -> OracleTensor {
    let bytes = word.map(Int.init)
    return addNgrams(
      shape.ngrams, "\(module.rawValue).byte_ngrams", of: bytes,
      to: tape.gatherRows(parameter("byte_embedding.weight"), bytes))
  }
}
