/// The name, shape and place of every tensor in the one flat parameter buffer.
///
/// Parameters, gradients and both moments are buffers of this layout; a rank's share is a range of it. Query, key
/// and value projections (and gate and up) lie behind each other: one matrix inside, separate tensors outside.
public struct ParameterLayout: Sendable {
  /// Floats in the buffer.
  public let count: Int
  public let tensors: [ParameterTensor]
  /// Parts of the model that are computed as one: the embedding, each block, each module's closing matrices.
  public let units: [ParameterUnit]
  /// The backbone's blocks, which lie behind each other.
  public let blocks: [Range<Int>]

  public init(_ model: ModelConfiguration) {
    switch model.kind {
    case .hierarchical: self = HierarchicalLayout(model).flat
    case .subword: self = SubwordLayout(model).flat
    }
  }

  init(_ builder: ParameterLayoutBuilder) {
    count = builder.count
    tensors = builder.tensors
    units = builder.units
    blocks = units.filter { $0.name.hasPrefix("backbone.layers.") }.map(\.range)
  }

  /// What lies before the backbone's blocks.
  public var front: Range<Int> { 0..<blocks.first!.lowerBound }
  /// What lies behind them.
  public var back: Range<Int> { blocks.last!.upperBound..<count }
}

/// A run of tensors that are computed, and may be fetched and dropped, together.
public struct ParameterUnit: Sendable, Equatable {
  public let name: String
  /// In floats of the flat buffer.
  public let range: Range<Int>
}
