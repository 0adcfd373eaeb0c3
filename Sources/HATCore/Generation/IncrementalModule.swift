import HATKernels

/// What the stack has not read of a document.
struct NewRows<Row> {
  let rows: [Row]
  /// Whether the document is read from its beginning.
  let isStart: Bool
}

/// A causal stack with its closing norm and the product after it, for the documents of a predictor: the backbone with W_D,
/// the decoder with its head.
final class IncrementalModule {
  private let stack: IncrementalStack
  private let norm: UnsafePointer<Float>
  private let weight: LinearWeight
  private let kernels: ModelKernels
  private let arena = Arena()
  /// [call's rows, width]
  private let rows: ArenaMatrix
  /// [documents, width]: the residual stream at the last row of each document of a call.
  private let last: ArenaMatrix
  private let inverseRoots: ArenaPlace
  /// [documents, out]: the products of a call.
  private let products: ArenaMatrix
  /// [documents, out]
  private let outputs: ArenaMatrix
  private var productFLOPs = 0.0

  /// - Parameters:
  ///   - stack: with a sequence for each document.
  ///   - norm: [width], the gain.
  ///   - weight: [out, width]; neither may change while this object lives.
  init(
    _ stack: IncrementalStack, norm: UnsafePointer<Float>, weight: ConstantMatrixView,
    documents: Int, kernels: ModelKernels
  ) {
    (self.stack, self.norm, self.kernels) = (stack, norm, kernels)
    rows = arena.reserve(rows: IncrementalStack.callRows, columns: stack.shape.width)
    last = arena.reserve(rows: documents, columns: stack.shape.width)
    inverseRoots = arena.reserve(documents)
    products = arena.reserve(rows: documents, columns: weight.rows)
    outputs = arena.reserve(rows: documents, columns: weight.rows)
    let packed = arena.reserve(
      PackedMatrix.floats(columns: weight.rows, terms: weight.columns, in: kernels.arithmetic.precision))
    arena.allocate()
    self.weight = LinearWeight(
      weight,
      packed: PackedMatrix(
        transposing: weight, in: kernels.arithmetic.precision, into: arena.floats(packed)))
  }

  /// Floats that such a module takes for one document, about.
  /// - Parameter output: the product after the stack.
  static func floats(
    _ shape: StackShape, _ blocks: [BlockTensors], output: MatrixPlace, positions: Int,
    in precision: Precision
  ) -> Int {
    let packed = PackedMatrix.floats(columns: output.rows, terms: output.columns, in: precision)
    return IncrementalStack.floats(shape, blocks, positions: positions, in: precision) + packed
      + IncrementalStack.callRows * shape.width + 2 * output.rows
  }

  /// Floating-point operations done so far.
  var flops: Double { stack.flops + productFLOPs }

  /// [out]: the product at a document's last row, valid until `run` has new rows of that document.
  func output(of document: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: outputs(document), count: outputs.columns)
  }

  /// Runs what is new of some documents.
  /// - Parameters:
  ///   - documents: each once.
  ///   - next: the new rows of a document.
  ///   - fill: fills `view` with the stack's input for some of the rows, whose documents are `owners`.
  func run<Row>(
    _ documents: [Int], next: (_ document: Int) -> NewRows<Row>,
    fill: (_ rows: ArraySlice<Row>, _ owners: ArraySlice<Int>, _ view: MatrixView) -> Void
  ) {
    var (rows, owners): ([Row], [Int]) = ([], [])
    for document in documents {
      let new = next(document)
      if new.isStart { stack.reset(document) }
      rows += new.rows
      owners += repeatElement(document, count: new.rows.count)
    }
    var finished: [Int] = []
    for start in stride(from: 0, to: rows.count, by: IncrementalStack.callRows) {
      let range = start..<min(start + IncrementalStack.callRows, rows.count)
      let view = arena.view(self.rows, rows: range.count)
      fill(rows[range], owners[range], view)
      let ends = range.filter { $0 + 1 == owners.count || owners[$0 + 1] != owners[$0] }
      let outputs = stack.append(view, of: owners[range], reading: ends.map { $0 - start })
      let before = finished.count
      finished += ends.map { owners[$0] }
      arena.view(last, rows: finished.count).rows(before..<finished.count).copy(outputs)
    }
    multiply(finished)
  }

  private func multiply(_ documents: [Int]) {
    let (last, products) = (
      arena.view(last, rows: documents.count), arena.view(products, rows: documents.count)
    )
    kernels.norm(last, gain: norm, into: last, inverseRoots: arena.floats(inverseRoots))
    kernels.linear(last, weight: weight, into: products)
    for (row, document) in documents.enumerated() {
      outputs(document).update(from: products.row(row), count: products.columns)
    }
    productFLOPs += 2 * Double(documents.count * weight.matrix.rows * weight.matrix.columns)
  }

  private func outputs(_ document: Int) -> FloatPointer {
    arena.floats(outputs.place) + document * outputs.columns
  }
}
