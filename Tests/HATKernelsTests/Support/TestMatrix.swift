import HATKernels

/// A matrix in memory of its own, with untouchable floats behind every row and behind the last one.
final class TestMatrix {
  private static let guardValue: Float = -77_777.125
  private static let guardCount = 16
  let rows: Int
  let columns: Int
  let stride: Int
  private let base: FloatPointer
  private var capacity: Int { rows * stride + Self.guardCount }

  /// - Parameter gap: floats between rows
  init(_ rows: Int, _ columns: Int, gap: Int = 0, filledWith value: (Int, Int) -> Float = { _, _ in 0 }) {
    (self.rows, self.columns, stride) = (rows, columns, columns + gap)
    base = .allocate(capacity: rows * (columns + gap) + Self.guardCount)
    base.initialize(repeating: Self.guardValue, count: capacity)
    for row in 0..<rows { for column in 0..<columns { self[row, column] = value(row, column) } }
  }

  /// Uniform in `range`.
  convenience init(
    random rows: Int, _ columns: Int, gap: Int = 0, in range: ClosedRange<Float> = -1...1,
    using generator: inout SeededGenerator
  ) {
    self.init(rows, columns, gap: gap) { _, _ in Float.random(in: range, using: &generator) }
  }

  convenience init(_ values: [Float]) {
    self.init(1, values.count) { _, column in values[column] }
  }

  convenience init(copying other: TestMatrix) {
    self.init(other.rows, other.columns, gap: other.stride - other.columns) { other[$0, $1] }
  }

  deinit { base.deallocate() }

  subscript(row: Int, column: Int) -> Float {
    get { base[row * stride + column] }
    set { base[row * stride + column] = newValue }
  }

  var pointer: FloatPointer { base }
  var view: MatrixView { MatrixView(base, rows: rows, columns: columns, stride: stride) }
  var constant: ConstantMatrixView { view.constant }

  var doubles: [[Double]] {
    (0..<rows).map { row in (0..<columns).map { Double(self[row, $0]) } }
  }

  var bits: [[UInt32]] {
    (0..<rows).map { row in (0..<columns).map { self[row, $0].bitPattern } }
  }

  /// Whether nobody wrote between or behind the rows.
  var isIntactOutside: Bool {
    let outside = (0..<rows * stride).filter { $0 % stride >= columns } + (rows * stride..<capacity)
    return outside.allSatisfy { base[$0] == Self.guardValue }
  }
}

/// The largest difference of two matrices, relative to the largest element (at least 1) of the second.
func largestError(_ actual: TestMatrix, _ expected: [[Double]]) -> Double {
  precondition(actual.rows == expected.count)
  let scale = max(1, expected.joined().map(abs).max() ?? 0)
  return zip(actual.doubles.joined(), expected.joined()).map { difference($0, $1) }.max().map { $0 / scale }
    ?? 0
}

/// Infinite where either is NaN, so that a comparison with a tolerance fails.
func difference(_ a: Double, _ b: Double) -> Double {
  let result = abs(a - b)
  return result.isNaN ? .infinity : result
}

/// Offsets of segments of these lengths, kept alive by the caller's closure.
func withSegments<Result>(_ lengths: [Int], _ body: (Segments) -> Result) -> Result {
  let offsets = lengths.reduce(into: [Int32(0)]) { $0.append($0.last! + Int32($1)) }
  return offsets.withUnsafeBufferPointer { body(Segments(offsets: $0.baseAddress!, count: lengths.count)) }
}
