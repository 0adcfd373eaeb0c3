import HATText

/// The subword baseline written from docs/subword.md alone, in double precision, one piece at a time.
public struct OracleSubwordModel {
  /// Of the backbone; byte widths play no part.
  public let shape: OracleShape
  public let parameters: OracleParameters

  public init(shape: OracleShape, vocabulary: Int, seed: UInt64) {
    self.shape = shape
    parameters = .random(Self.tensors(shape, vocabulary: vocabulary), seed: seed)
  }

  /// Name and shape of every tensor, in the order of docs/subword.md.
  public static func tensors(_ shape: OracleShape, vocabulary: Int) -> [(name: String, shape: [Int])] {
    [("token_embedding.weight", [vocabulary, shape.width])]
      + shape.ngrams.tensors("token_ngrams", width: shape.width) + shape.moduleTensors(.backbone) + [
        ("head.weight", [vocabulary, shape.width])
      ]
  }

  /// Losses of all targets in nats, the arg-max of each, and all gradients of Σ weight(t) · loss(t) over the targets.
  public func run(
    _ batch: TokenBatch, weight: (Int) -> Double = { _ in 1 }
  ) -> (losses: [Double], guesses: [Int], gradients: [String: [Double]]) {
    let pass = OraclePass(shape: shape, parameters)
    let logits = (0..<batch.pieceCount).map { piece in
      let inputs = batch.inputs[batch.tokenRange(ofPiece: piece)].map { Int($0) }
      let embeddings = pass.tape.gatherRows(pass.parameter("token_embedding.weight"), inputs)
      let rows = pass.addNgrams(shape.ngrams, "token_ngrams", of: inputs, to: embeddings)
      return pass.tape.multiplyTransposed(pass.stack(.backbone, rows), pass.parameter("head.weight"))
    }
    let losses = pass.tape.stackRows(
      logits.enumerated().map { piece, logits in
        pass.tape.crossEntropy(logits, targets: Array(batch.targets[batch.tokenRange(ofPiece: piece)]))
      })
    pass.tape.propagate(from: losses, seed: (0..<losses.rows).map(weight))
    let guesses = logits.flatMap { logits in
      (0..<logits.rows).map { row in
        let values = Array(logits.row(row))
        return values.firstIndex(of: values.max()!)!
      }
    }
    return (losses.value, guesses, pass.parameters.mapValues(\.gradient))
  }
}
