import HATText

/// The hierarchical transformer written from docs/model.md alone, in double precision, one word at a time:
/// the judge of every faster version.
public struct OracleModel {
  public let shape: OracleShape
  public let parameters: OracleParameters

  public init(shape: OracleShape, parameters: OracleParameters) {
    for (name, dimensions) in shape.tensors {
      precondition(parameters.tensors[name]?.shape == dimensions, "\(name) is \(dimensions)")
    }
    self.shape = shape
    self.parameters = parameters
  }

  /// Loss, logits and all gradients of the weighted loss Σ weight(p) · loss(p) over target positions p.
  /// - Parameter weight: of a target position, counted over the whole batch; 1 for all by default.
  public func run(_ batch: Batch, weight: (Int) -> Double = { _ in 1 }) -> OracleResult {
    let pass = OraclePass(self)
    let pieces = (0..<batch.pieceCount).map { pass.piece($0, of: batch) }
    let losses = pass.tape.stackRows(pieces.map(\.losses))
    let weights = (0..<losses.rows).map(weight)
    pass.tape.propagate(from: losses, seed: weights)
    return OracleResult(
      lossSum: zip(weights, losses.value).reduce(0) { $0 + $1.0 * $1.1 },
      losses: losses.value,
      logits: pieces.flatMap { $0.logits.flatMap(\.value) },
      targets: pieces.flatMap { $0.targets.flatMap { $0 } },
      wordEmbeddings: pieces.flatMap { $0.embeddings.map(\.value) },
      wordEmbeddingGradients: pieces.flatMap { $0.embeddings.map(\.gradient) },
      backboneOutputs: pieces.flatMap { piece in
        (0..<piece.outputs.rows).map { Array(piece.outputs.row($0)) }
      },
      decoderInputGradients: pieces.flatMap { $0.decoderInputs.map(\.gradient) },
      gradients: pass.parameters.mapValues(\.gradient))
  }
}

/// What the oracle says about a batch. Legend: `P` target positions of all target words in order,
/// `I` input words (all words of a piece but its last), `T` target words (all but its first).
public struct OracleResult: Sendable {
  /// In nats, not divided by anything.
  public var lossSum: Double
  /// [P], in nats.
  public var losses: [Double]
  /// [P, 256].
  public var logits: [Double]
  /// [P].
  public var targets: [UInt8]
  /// [I][D].
  public var wordEmbeddings: [[Double]]
  /// [I][D].
  public var wordEmbeddingGradients: [[Double]]
  /// [I][D].
  public var backboneOutputs: [[Double]]
  /// [T][positions of the word · d]: of the decoder's inputs, W_D·h first.
  public var decoderInputGradients: [[Double]]
  /// By parameter name, row-major.
  public var gradients: [String: [Double]]
}
