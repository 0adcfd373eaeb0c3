import HATKernels

/// A causal stack with its closing norm and the product behind that, for the documents of a predictor: the backbone and
/// W_D, the decoder and its head.
final class IncrementalModule {
  private let stack: IncrementalStack
  private let norm: UnsafePointer<Float>
  private let weight: LinearWeight
  private let kernels: ModelKernels
  private let arena = Arena()
  /// [call's rows, width]
  private let rows: ArenaMatrix
  /// [documents, width], the residual stream at each document's last row, of those that run behind each other.
  private let last: ArenaMatrix
  private let inverseRoots: ArenaPlace
  /// [documents, out], of those that run behind each other.
  private let products: ArenaMatrix
  /// [documents, out]
  private let outputs: ArenaMatrix
  private var productFLOPs = 0.0

  /// - Parameters:
  ///   - stack: with a sequence for each document.
  ///   - norm: [width], the gain.
  ///   - weight: [out, width]; as the norm's gain it does not change as long as this lives.
  init(
    _ stack: IncrementalStack, norm: UnsafePointer<Float>, weight: MatrixView, documents: Int,
    kernels: ModelKernels
  ) {
    (self.stack, self.norm, self.kernels) = (stack, norm, kernels)
    rows = arena.reserve(rows: IncrementalStack.callRows, columns: stack.shape.width)
    last = arena.reserve(rows: documents, columns: stack.shape.width)
    inverseRoots = arena.reserve(documents)
    products = arena.reserve(rows: documents, columns: weight.rows)
    outputs = arena.reserve(rows: documents, columns: weight.rows)
    let packed = arena.reserve(PackedMatrix.floats(columns: weight.rows, terms: weight.columns))
    arena.allocate()
    self.weight = LinearWeight(
      weight.constant, packed: PackedMatrix(transposing: weight.constant, into: arena.floats(packed)))
  }

  /// Floating-point operations done so far.
  var flops: Double { stack.flops + productFLOPs }

  /// Starts a document anew.
  func reset(_ document: Int) {
    stack.reset(document)
  }

  /// [out]: the product behind a document's last row, valid until `run` has rows of that document.
  func output(of document: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: outputs(document), count: outputs.columns)
  }

  /// Runs the next rows of some documents.
  /// - Parameters:
  ///   - documents: [R], whose next row each is; those of a document stand together.
  ///   - fill: fills rows of that range with the stack's input.
  func run(_ documents: [Int], fill: (_ range: Range<Int>, _ rows: MatrixView) -> Void) {
    var finished: [Int] = []
    for start in stride(from: 0, to: documents.count, by: IncrementalStack.callRows) {
      let range = start..<min(start + IncrementalStack.callRows, documents.count)
      let rows = arena.view(rows, rows: range.count)
      fill(range, rows)
      stack.append(rows, of: documents[range])
      for index in range where index + 1 == documents.count || documents[index + 1] != documents[index] {
        finished.append(documents[index])
        arena.view(last, rows: finished.count).row(finished.count - 1)
          .update(from: rows.row(index - start), count: rows.columns)
      }
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
