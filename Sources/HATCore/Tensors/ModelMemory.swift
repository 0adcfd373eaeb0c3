import HATKernels

/// Where a model finds its weights. They need not all be in memory at once.
///
/// The backbone's blocks are used one at a time, so a block's weights may be brought just before their use.
public protocol ModelParameters {
  /// The error when weights cannot be brought; `Never` where all are in memory.
  associatedtype Failure: Error

  /// The weights before the blocks.
  var front: Weights { get }
  /// The weights after the blocks.
  var back: Weights { get }

  /// Calls `body` with the weights of a block, for the forward pass.
  func withWeights(ofBlock block: Int, _ body: (Weights) -> Void) throws(Failure)
}

/// Where a model also leaves its gradients. A block's gradients are taken away as soon as they are complete.
public protocol ModelMemory: ModelParameters {
  /// The gradients of the weights before and after the blocks; the model overwrites them.
  var frontGradients: Gradients { get }
  var backGradients: Gradients { get }

  /// Calls `body` with the weights of a block and the place of their gradients. `body` overwrites the gradients, which
  /// are then complete. Blocks come in descending order.
  func withGradients(ofBlock block: Int, _ body: (Weights, Gradients) -> Void) throws(Failure)
}

/// All weights of a model, and the owner of their memory: one flat buffer, or mapped files of a checkpoint.
public final class ModelWeights: ModelParameters, @unchecked Sendable {
  public let table: TensorTable
  public let front: Weights
  public let blocks: [Weights]
  public let back: Weights
  private let owners: [AnyObject]

  /// - Parameters:
  ///   - units: of the table, in their order.
  ///   - owners: objects that keep the memory alive.
  init(_ table: TensorTable, units: [Weights], owners: [AnyObject]) {
    precondition(units.map(\.range) == table.units)
    (self.table, self.owners) = (table, owners)
    (front, back) = (units.first!, units.last!)
    blocks = Array(units.dropFirst().dropLast())
  }

  /// - Parameter buffer: [table.count]; its values may change between the calls of a model.
  public convenience init(_ table: TensorTable, in buffer: FloatBuffer) {
    precondition(buffer.count == table.count)
    let all = FlatSlice(buffer)
    self.init(table, units: table.units.map { all[$0].weights }, owners: [buffer])
  }

  public func withWeights(ofBlock block: Int, _ body: (Weights) -> Void) { body(blocks[block]) }

  /// The values of a tensor, valid as long as this object.
  public func values(of tensor: Tensor) -> UnsafeBufferPointer<Float> {
    let unit =
      switch tensor.unit {
      case .front: front
      case .block(let block): blocks[block]
      case .back: back
      }
    return UnsafeBufferPointer(start: unit.pointer(tensor.range), count: tensor.range.count)
  }
}

/// All weights, and all gradients in one flat buffer.
public struct FlatMemory: ModelMemory {
  private let weights: ModelWeights
  private let gradients: Gradients
  private let owner: FloatBuffer

  /// - Parameter gradient: [table.count]
  public init(_ weights: ModelWeights, gradient: FloatBuffer) {
    precondition(gradient.count == weights.table.count)
    (self.weights, owner) = (weights, gradient)
    gradients = Gradients(FlatSlice(gradient))
  }

  public var front: Weights { weights.front }
  public var back: Weights { weights.back }
  public var frontGradients: Gradients { gradients[weights.table.front] }
  public var backGradients: Gradients { gradients[weights.table.back] }

  public func withWeights(ofBlock block: Int, _ body: (Weights) -> Void) { body(weights.blocks[block]) }

  public func withGradients(ofBlock block: Int, _ body: (Weights, Gradients) -> Void) {
    body(weights.blocks[block], gradients[weights.table.blocks[block]])
  }
}

/// The floats `range` of the flat buffer that a `TensorTable` lays out.
///
/// The maker of a slice ensures that its memory outlives it.
public struct FlatSlice: @unchecked Sendable {
  public let range: Range<Int>
  /// The first float of `range`.
  public let base: FloatPointer

  public init(_ base: FloatPointer, _ range: Range<Int>) { (self.base, self.range) = (base, range) }

  /// All of a flat buffer.
  public init(_ buffer: FloatBuffer) { self.init(buffer.base, 0..<buffer.count) }

  public var count: Int { range.count }

  /// A part of the slice.
  public subscript(part: Range<Int>) -> FlatSlice {
    precondition(
      part.lowerBound >= range.lowerBound && part.upperBound <= range.upperBound,
      "floats \(part) are not among \(range)")
    return FlatSlice(base + (part.lowerBound - range.lowerBound), part)
  }

  public var weights: Weights { Weights(base, range) }
}

/// Weights a model reads: some floats of the flat buffer of its parameters.
public struct Weights: @unchecked Sendable {
  public let range: Range<Int>
  /// The first float of `range`.
  public let base: UnsafePointer<Float>

  public init(_ base: UnsafePointer<Float>, _ range: Range<Int>) { (self.base, self.range) = (base, range) }

  /// The first of the floats `part`.
  public func pointer(_ part: Range<Int>) -> UnsafePointer<Float> {
    precondition(
      part.lowerBound >= range.lowerBound && part.upperBound <= range.upperBound,
      "weights \(part) are not among \(range)")
    return base + (part.lowerBound - range.lowerBound)
  }

  subscript(place: MatrixPlace) -> ConstantMatrixView {
    ConstantMatrixView(pointer(place.range), rows: place.rows, columns: place.columns)
  }

  /// [width]
  subscript(place: GainPlace) -> UnsafePointer<Float> { pointer(place.range) }
}

/// Gradients a model writes: some floats of a flat buffer laid out like its parameters.
public struct Gradients {
  public let floats: FlatSlice
  /// Of the n-gram tables; nil if any row may have been touched.
  public let marks: RowMarks?

  public init(_ floats: FlatSlice, marks: RowMarks? = nil) { (self.floats, self.marks) = (floats, marks) }

  /// A part of them.
  public subscript(part: Range<Int>) -> Gradients { Gradients(floats[part], marks: marks) }

  subscript(place: MatrixPlace) -> MatrixView {
    MatrixView(floats[place.range].base, rows: place.rows, columns: place.columns)
  }

  /// [width]
  subscript(place: GainPlace) -> FloatPointer { floats[place.range].base }
}
