/// All tensors of a model, in their order in one flat buffer.
///
/// Parameters, gradients and an optimiser's state are buffers that a table lays out; a rank owns ranges of them. Query, key
/// and value projections are neighbours, and so are gate and up: each group is one matrix to the model, and separate
/// tensors to everything else.
public struct TensorTable: Sendable, Equatable {
  public let tensors: [Tensor]
  /// The floats before the backbone's blocks.
  public let front: Range<Int>
  /// The floats of each block.
  public let blocks: [Range<Int>]
  /// The floats after the blocks.
  public let back: Range<Int>

  /// The tensors of a model.
  public init(_ model: ModelConfiguration) {
    switch model.kind {
    case .hierarchical: self = HierarchicalTensors(model).table
    case .subword: self = SubwordTensors(model).table
    }
  }

  /// - Parameter tensors: without gaps, the tensors of a unit together, units in their order.
  public init(_ tensors: [Tensor]) {
    precondition(zip(tensors, tensors.dropFirst()).allSatisfy { $0.range.upperBound == $1.range.lowerBound })
    let count = tensors.last?.range.upperBound ?? 0
    self.tensors = tensors
    var blocks: [Range<Int>] = []
    for tensor in tensors {
      guard case .block(let block) = tensor.unit else { continue }
      if block == blocks.count { blocks.append(tensor.range.lowerBound..<tensor.range.lowerBound) }
      precondition(block == blocks.count - 1 && blocks[block].upperBound == tensor.range.lowerBound)
      blocks[block] = blocks[block].lowerBound..<tensor.range.upperBound
    }
    let frontEnd = tensors.first { $0.unit != .front }?.range.lowerBound ?? count
    front = 0..<frontEnd
    self.blocks = blocks
    back = (blocks.last?.upperBound ?? frontEnd)..<count
  }

  /// The tensors that have some of these floats.
  package func tensors(overlapping floats: Range<Int>) -> ArraySlice<Tensor> {
    let first = tensors.firstIndex(behind: { $0.range.upperBound <= floats.lowerBound })
    return tensors[first...].prefix { $0.range.overlaps(floats) }
  }

  /// Floats of the flat buffer.
  public var count: Int { back.upperBound }

  /// The floats of each unit, in ascending order.
  public var units: [Range<Int>] { [front] + blocks + [back] }

  /// Floats of a buffer that holds front, back, and one block at a time.
  public var workingCount: Int { front.count + back.count + (blocks.map(\.count).max() ?? 0) }
}

/// Lays out tensors one after another.
struct TensorTableBuilder {
  private let model: ModelConfiguration
  private var tensors: [Tensor] = []
  private var count = 0

  /// - Parameter model: says how large first values are.
  init(_ model: ModelConfiguration) { self.model = model }

  var table: TensorTable { TensorTable(tensors) }

  /// Adds a matrix, or several one below the other.
  /// - Parameters:
  ///   - names: of each matrix, with its rows.
  ///   - scale: factor on the deviation of the initial values.
  mutating func matrix(
    _ names: KeyValuePairs<String, Int>, columns: Int, role: TensorRole = .hiddenMatrix, unit: ModelUnit,
    scale: Double = 1
  ) -> MatrixPlace {
    let start = count
    let deviation = role == .embedding ? model.embeddingDeviation : model.initialDeviation
    for (name, rows) in names {
      append(name, [rows, columns], role, unit, .normal(deviation: deviation * scale))
    }
    return MatrixPlace(start: start, rows: (count - start) / columns, columns: columns)
  }

  mutating func gain(_ name: String, width: Int, unit: ModelUnit) -> GainPlace {
    defer { append(name, [width], .gain, unit, .ones) }
    return GainPlace(start: count, width: width)
  }

  /// A table for each order from 2 to `longest`, none if that is 0.
  mutating func ngramTables(
    _ name: String, longest: Int, rows: Int, columns: Int, foldsCase: Bool, unit: ModelUnit
  ) -> NgramTables {
    NgramTables(
      places: hashedTables(name, orders: 2..<max(2, longest + 1), rows: rows, columns: columns, unit: unit),
      foldsCase: foldsCase)
  }

  /// A table for each order.
  mutating func hashedTables(
    _ name: String, orders: Range<Int>, rows: Int, columns: Int, unit: ModelUnit
  ) -> [MatrixPlace] {
    orders.map { order in
      defer { append("\(name).\(order)", [rows, columns], .ngramTable, unit, .zeros) }
      return MatrixPlace(start: count, rows: rows, columns: columns)
    }
  }

  private mutating func append(
    _ name: String, _ shape: [Int], _ role: TensorRole, _ unit: ModelUnit, _ initialValues: InitialValues
  ) {
    tensors.append(
      Tensor(
        name: "\(name).weight", shape: shape, role: role, unit: unit, initialValues: initialValues,
        start: count))
    count = tensors.last!.range.upperBound
  }
}

/// One named tensor of a model (docs/model.md §8).
public struct Tensor: Sendable, Equatable {
  public let name: String
  /// Row-major: [out, in] for a matrix, [width] for a gain.
  public let shape: [Int]
  public let role: TensorRole
  public let unit: ModelUnit
  public let initialValues: InitialValues
  /// Its floats in the flat buffer.
  public let range: Range<Int>

  public init(
    name: String, shape: [Int], role: TensorRole, unit: ModelUnit, initialValues: InitialValues, start: Int
  ) {
    (self.name, self.shape, self.initialValues) = (name, shape, initialValues)
    (self.role, self.unit) = (role, unit)
    range = start..<start + shape.reduce(1, *)
  }
}

/// The purpose of a tensor, which decides how it is trained.
public enum TensorRole: String, Sendable, CaseIterable {
  /// A matrix between two hidden layers.
  case hiddenMatrix
  /// A table whose rows are looked up.
  case embedding
  /// A table whose rows are looked up by the hash of an n-gram.
  case ngramTable
  /// The matrix that gives the logits.
  case head
  /// The factors of a norm.
  case gain

  /// Whether weight decay applies (docs/model.md §6).
  public var decays: Bool { self != .gain && self != .ngramTable }
}

/// When a tensor is used. The backbone's blocks are used one at a time, so only one of them need be in memory.
public enum ModelUnit: Sendable, Hashable {
  /// Before the backbone's blocks: embeddings and encoder.
  case front
  /// A block of the backbone.
  case block(Int)
  /// After the blocks: the backbone's closing norm, decoder and head.
  case back
}
